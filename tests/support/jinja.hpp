#pragma once

#include <kvx/text/jinja_renderer.hpp>

#include <cstdio>
#include <string>

#include "support/error_of.hpp"

namespace kvx_test {

inline const std::string kRenderChat = KVX_SOURCE_DIR "/examples/data/render_chat.py";

/// A renderer with one process for all tests.
inline kvx::JinjaRenderer& jinja_renderer() {
  static kvx::JinjaRenderer renderer(kRenderChat);
  return renderer;
}

/// The reason why Jinja templates cannot be rendered on this machine; empty if they can.
inline const std::string& jinja_missing() {
  static const std::string reason = [] {
    std::string error = error_of([] { (void)jinja_renderer().render({.jinja = "x"}, "template"); });
    if (!error.empty()) std::printf("Jinja templates: skipped: %s\n", error.c_str());
    return error;
  }();
  return reason;
}

}  // namespace kvx_test
