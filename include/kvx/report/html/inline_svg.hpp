#pragma once

#include <kvx/report/html/html.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace kvx::inline v0 {

namespace detail {

inline void replace_all(std::string& text, std::string_view pattern, std::string_view replacement) {
  for (std::size_t at = 0; (at = text.find(pattern, at)) != text.npos; at += replacement.size())
    text.replace(at, pattern.size(), replacement);
}

}  // namespace detail

/// Turns the output of gnuplot's svg terminal into an element of a page. Black becomes the color of the page's text,
/// ids get the prefix `prefix`, so that a page can hold many pictures, and the addresses of namespaces are removed.
inline std::string inline_svg(std::string_view svg, const std::string& prefix, std::string_view label) {
  // gnuplot's canvas has `color="white"`, and its marks take their color from there.
  const std::array<std::pair<std::string, std::string>, 12> rules = {{
      {"\"black\"", "\"currentColor\""},
      {"'black'", "'currentColor'"},
      {"\"white\"", "\"currentColor\""},
      {"'rgb(  0,   0,   0)'", "'currentColor'"},
      {"\"rgb(  0,   0,   0)\"", "\"currentColor\""},
      {" id=\"", " id=\"" + prefix},
      {" id='", " id='" + prefix},
      {"href='#", "href='#" + prefix},
      {"href=\"#", "href=\"#" + prefix},
      {"url(#", "url(#" + prefix},
      {"xmlns=\"http://www.w3.org/2000/svg\"", "role=\"img\" aria-label=\"" + html_text(label) + "\""},
      {"xmlns:xlink=\"http://www.w3.org/1999/xlink\"", ""},
  }};
  std::string out;
  for (std::size_t at = std::min(svg.find("<svg"), svg.size()); at < svg.size();) {
    for (const std::string_view element : {"title", "desc"}) {  // file names and tool tips, which are of no use
      const std::string close = "</" + std::string(element) + ">";
      if (svg.substr(at + 1, element.size() + 1) == std::string(element) + ">")
        at = std::min(svg.find(close, at), svg.size() - close.size()) + close.size();
    }
    const std::size_t end = std::min(svg.find('>', at), svg.size() - 1) + 1;
    const std::size_t open = std::min(svg.find('<', at), end);  // text, which is copied, then a tag
    out += svg.substr(at, open - at);
    std::string tag(svg.substr(open, end - open));
    for (const auto& [pattern, replacement] : rules) detail::replace_all(tag, pattern, replacement);
    out += tag;
    at = end;
  }
  return out;
}

}  // namespace kvx::inline v0
