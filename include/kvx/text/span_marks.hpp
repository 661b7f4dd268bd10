#pragma once

#include <kvx/core/error.hpp>
#include <kvx/core/token_span.hpp>
#include <kvx/io/json/json.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace kvx::inline v0 {

/// Bytes [first, last) of a text, with a name.
struct TextSpan {
  std::string name;
  std::size_t first = 0, last = 0;
};

/// A text without its span marks, and the spans that the marks enclosed, in the order in which they begin.
struct MarkedText {
  std::string text;
  std::vector<TextSpan> spans = {};
};

/// `text` with the marks of a span called `name` around it.
inline std::string marked(std::string_view name, std::string_view text) {
  return ("<kvx:" + std::string(name) + ">").append(text).append("</kvx:").append(name).append(">");
}

/// Removes the marks `<kvx:NAME>` and `</kvx:NAME>` from a text. NAME consists of lower-case letters and `_`, and spans
/// may be nested. Throws Error, naming `where`, for a malformed mark and for a span that is not closed or not opened.
inline MarkedText read_span_marks(std::string_view text, const std::string& where) {
  constexpr std::string_view kOpening = "<kvx:", kClosing = "</kvx:";
  MarkedText marked;
  std::vector<std::size_t> open;
  while (!text.empty()) {
    const std::size_t mark = std::min(text.find(kOpening), text.find(kClosing));
    marked.text += text.substr(0, mark);
    if (mark == text.npos) break;
    const bool closes = text.substr(mark).starts_with(kClosing);
    const std::size_t begin = mark + (closes ? kClosing : kOpening).size(), end = text.find('>', begin);
    const std::string name(text.substr(begin, end == text.npos ? 0 : end - begin));
    if (!is_span_name(name))
      throw Error(where, "expected a span mark such as <kvx:instructions>, found " +
                             detail::shortened(text.substr(mark, 60), 40));
    text.remove_prefix(end + 1);
    if (!closes) {
      open.push_back(marked.spans.size());
      marked.spans.push_back({name, marked.text.size(), 0});
    } else {
      if (open.empty() || marked.spans[open.back()].name != name)
        throw Error(where, "expected " +
                               (open.empty() ? "an opening mark" : "</kvx:" + marked.spans[open.back()].name + ">") +
                               ", found </kvx:" + name + ">");
      marked.spans[open.back()].last = marked.text.size();
      open.pop_back();
    }
  }
  if (!open.empty())
    throw Error(where, "expected </kvx:" + marked.spans[open.back()].name + ">, found the end of the text");
  return marked;
}

}  // namespace kvx::inline v0
