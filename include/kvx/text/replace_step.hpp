#pragma once

#include <kvx/io/json/json.hpp>
#include <kvx/text/known_fields.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace kvx::inline v0 {

namespace detail {

/// The text of a step's pattern, {"String": text}. Throws Error for other patterns and an empty text.
inline std::string string_pattern(const JsonValue& step) {
  const auto pattern = step.at("pattern");
  const auto text = pattern.find("String");
  if (!text || text->string().empty()) pattern.fail("{\"String\": TEXT}");
  return std::string(text->string());
}

}  // namespace detail

/// The step Replace of a tokenizer.json's normalizer or decoder: replaces each occurrence of a string.
struct ReplaceStep {
  std::string pattern, content;

  /// Throws Error for a pattern that is a regular expression.
  static ReplaceStep read(const JsonValue& step) {
    detail::check_fields(step, {"pattern", "content"});
    return {detail::string_pattern(step), std::string(step.at("content").string())};
  }

  std::string operator()(std::string_view text) const {
    std::string result;
    result.reserve(text.size());
    for (std::size_t at = 0; (at = text.find(pattern)) != text.npos; text.remove_prefix(at + pattern.size()))
      result.append(text.substr(0, at)).append(content);
    return result.append(text);
  }
};

}  // namespace kvx::inline v0
