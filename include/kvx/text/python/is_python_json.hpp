#pragma once

#include <kvx/io/json/json_tokens.hpp>

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace kvx::inline v0 {

namespace detail {

/// Reads JSON from the beginning of a text. The functions return false if they do not find what they read.
class JsonTaker {
 public:
  explicit JsonTaker(std::string_view text) : rest_(text) {}

  bool takes_all() { return takes_value(0) && skips_space().empty(); }

 private:
  static constexpr int kMaxDepth = 1000;  // about Python's limit

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
    if (rest_.starts_with('[') || rest_.starts_with('{')) return depth < kMaxDepth && takes_elements(depth);
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

  /// Reads a string after its opening quote.
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
    constexpr std::size_t kMaxDigits = 4300;  // of the longest integer that Python reads
    const std::string_view number = rest_.substr(0, rest_.find_first_not_of("+-.0123456789eE"));
    rest_.remove_prefix(number.size());
    const bool integer = number.find_first_of(".eE") == number.npos;
    return is_json_number(number) && (!integer || number.size() - number.starts_with('-') <= kMaxDigits);
  }

  std::string_view rest_;
};

}  // namespace detail

/// Whether Python's json.loads accepts `text`, which is UTF-8. It accepts NaN, infinities, repeated names and lone
/// surrogates, but neither a byte order mark nor control characters in a string.
inline bool is_python_json(std::string_view text) { return detail::JsonTaker(text).takes_all(); }

}  // namespace kvx::inline v0
