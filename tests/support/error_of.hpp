#pragma once

#include <kvx/core/error.hpp>

#include <string>

/// The message of the kvx::Error that `f` throws, or "" when it returns.
template <class F>
std::string error_of(F&& f) {
  try {
    f();
  } catch (const kvx::Error& error) {
    return error.what();
  }
  return "";
}
