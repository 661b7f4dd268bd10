#pragma once

#include <kvx/report/html/html.hpp>
#include <kvx/report/html/page_style.hpp>

#include <string>
#include <string_view>

namespace kvx::inline v0 {

/// A page that needs no other file: the title as its first heading, then `body`.
inline std::string html_page(std::string_view title, std::string_view body) {
  const std::string heading = html_text(title);
  return ("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>" +
          heading + "</title>\n<style>")
             .append(kPageStyle)
             .append("</style>\n</head>\n<body>\n<h1>" + heading + "</h1>\n")
             .append(body) +
         "</body>\n</html>\n";
}

}  // namespace kvx::inline v0
