#pragma once

#include <kvx/report/charts/picture.hpp>
#include <kvx/report/html/html.hpp>
#include <kvx/report/html/inline_svg.hpp>

#include <cstddef>
#include <string>

namespace kvx::inline v0 {

/// A drawn picture with its caption. `number` differs for each picture of a page.
inline std::string html_figure(const Picture& picture, std::size_t number) {
  return "<figure>" + inline_svg(picture.svg, "p" + std::to_string(number) + "-", picture.title) + "<figcaption>" +
         html_text(picture.caption) + "</figcaption></figure>\n";
}

}  // namespace kvx::inline v0
