#pragma once

#include <kvx/core/error.hpp>
#include <kvx/core/token_span.hpp>
#include <kvx/press/named/parameter_values.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kvx::inline v0 {

/// Parses spans that a user has written, each as `[NAME=]FIRST:LAST`. The first span without a name is `defense`, the
/// second is `instructions`. Throws Error for any other text, and for a name that is given twice.
inline std::vector<NamedSpan> parse_named_spans(std::span<const std::string> texts) {
  std::vector<NamedSpan> spans;
  std::size_t unnamed = 0;
  for (const std::string& text : texts) {
    const std::size_t equals = text.find('=');
    NamedSpan span;
    if (equals != text.npos)
      span.name = text.substr(0, equals);
    else if (unnamed < 2)
      span.name = unnamed++ == 0 ? "defense" : "instructions";
    const std::string_view tokens = std::string_view(text).substr(equals == text.npos ? 0 : equals + 1);
    if (!is_span_name(span.name) || !detail::parse_value(tokens, span.tokens))
      throw Error("span", "expected [NAME=]FIRST:LAST, where a third span needs a name, found '" + text + "'");
    for (const NamedSpan& other : spans)
      if (other.name == span.name)
        throw Error("span", "expected one span " + span.name + ", found another in '" + text + "'");
    spans.push_back(span);
  }
  return spans;
}

}  // namespace kvx::inline v0
