#pragma once

#include <kvx/io/json/json_tokens.hpp>

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace kvx::inline v0 {

namespace detail {

/// Takes JSON from the beginning of a text; what a function does not find there makes it false.
class JsonTaker {
 public:
  explicit JsonTaker(std::string_view text) : rest_(text) {}

  bool takes_all() { return takes_value(0) && skips_space().empty(); }

 private:
  static constexpr int kDepth = 1000;  // about where Python stops

  std::string_view skips_space() {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\n\r"), rest_.size()));
    return rest_;
  }
  bool takes(std::string_view token) {
    const bool found = rest_.starts_with(token);
    if (found) rest_.remove_prefix(token.size());
    return found;
  }

  bool takes_value(int depth) {
    skips_space();
    if (rest_.starts_with('[') || rest_.starts_with('{')) return depth < kDepth && takes_elements(depth);
    if (takes("\"")) return takes_string();
    for (const std::string_view name : {"null", "true", "false", "NaN", "Infinity", "-Infinity"})
      if (takes(name)) return true;
    return takes_number();
  }

  bool takes_elements(int depth) {
    const bool object = rest_.front() == '{';
    const std::string_view close = object ? "}" : "]";
    rest_.remove_prefix(1);
    skips_space();
    if (takes(close)) return true;
    for (;;) {
      skips_space();
      if (object && !(takes("\"") && takes_string() && (skips_space(), takes(":")))) return false;
      if (!takes_value(depth + 1)) return false;
      skips_space();
      if (takes(close)) return true;
      if (!takes(",")) return false;
    }
  }

  /// What follows an opening quote.
  bool takes_string() {
    for (;;) {
      const auto special =
          std::find_if(rest_.begin(), rest_.end(), [](char c) { return c == '"' || c == '\\' || (c >= 0 && c < ' '); });
      rest_.remove_prefix(static_cast<std::size_t>(special - rest_.begin()));
      if (takes("\"")) return true;
      if (!takes("\\") || rest_.empty()) return false;
      const char escape = rest_.front();
      rest_.remove_prefix(1);
      if (escape == 'u' ? !hex4(rest_) : std::string_view("\"\\/bfnrt").find(escape) == std::string_view::npos)
        return false;
    }
  }

  bool takes_number() {
    constexpr std::size_t kDigits = 4300;  // the most that Python reads as an integer
    const std::string_view number = rest_.substr(0, rest_.find_first_not_of("+-.0123456789eE"));
    rest_.remove_prefix(number.size());
    const bool integer = number.find_first_of(".eE") == number.npos;
    return is_json_number(number) && (!integer || number.size() - number.starts_with('-') <= kDigits);
  }

  std::string_view rest_;
};

}  // namespace detail

/// Whether Python's json.loads reads `text`, which is UTF-8: NaN, infinities, names that stand twice and lone
/// surrogates are fine, a byte order mark and control characters in a string are not.
inline bool is_python_json(std::string_view text) { return detail::JsonTaker(text).takes_all(); }

}  // namespace kvx::inline v0
