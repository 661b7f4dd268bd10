#pragma once

#include <string>
#include <string_view>

namespace kvx::inline v0 {

/// `text` as the content of an element or of a quoted attribute. Control characters, which HTML cannot hold, become
/// U+FFFD.
inline std::string html_text(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      default:
        if ((c >= 0 && c < ' ' && c != '\n' && c != '\t') || c == '\x7f')
          escaped += "\xef\xbf\xbd";
        else
          escaped += c;
    }
  }
  return escaped;
}

}  // namespace kvx::inline v0
