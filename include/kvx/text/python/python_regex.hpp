#pragma once

#include <kvx/io/regex.hpp>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

namespace kvx::inline v0 {

namespace detail {

/// A pattern of PCRE2 whose classes are those of Python's module re. Within brackets `\S` and `\W` stay PCRE2's.
inline std::string pcre2_pattern(std::string_view pattern) {
  constexpr std::string_view kSpace = "\\p{White_Space}\\x1C-\\x1F", kWord = "\\p{L}\\p{N}_";
  const auto in = [](std::string_view characters) { return "[" + std::string(characters) + "]"; };
  const auto out = [](std::string_view characters) { return "[^" + std::string(characters) + "]"; };
  const std::string after = "(?<=" + in(kWord) + ")", not_after = "(?<!" + in(kWord) + ")",
                    before = "(?=" + in(kWord) + ")", not_before = "(?!" + in(kWord) + ")";
  std::string result = "(*LF)";  // what `.` does not match, and `$` matches before
  bool bracketed = false;
  std::size_t bracket = 0;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != '\\' || i + 1 == pattern.size()) {
      if (pattern[i] == '[' && !bracketed) {
        bracketed = true;
        bracket = i + (pattern.substr(i + 1).starts_with('^') ? 2 : 1);  // a `]` there is a character like others
      } else if (pattern[i] == ']' && i > bracket) {
        bracketed = false;
      }
      result += pattern[i];
      continue;
    }
    const char escaped = pattern[++i];
    if (escaped == 's' || escaped == 'w') {
      const std::string_view characters = escaped == 's' ? kSpace : kWord;
      result += bracketed ? std::string(characters) : in(characters);
    } else if (!bracketed && (escaped == 'S' || escaped == 'W')) {
      result += out(escaped == 'S' ? kSpace : kWord);
    } else if (!bracketed && escaped == 'b') {
      result += "(?:" + after + not_before + "|" + not_after + before + ")";
    } else if (!bracketed && escaped == 'B') {
      result += "(?:" + after + before + "|" + not_after + not_before + ")";
    } else if (!bracketed && escaped == 'Z') {
      result += "\\z";
    } else {
      result.append("\\").append(1, escaped);
    }
  }
  return result;
}

/// `text` with one of each pair of characters that IGNORECASE takes for the same and PCRE2 does not.
inline std::string with_python_twins(std::string_view text) {
  constexpr std::pair<std::string_view, std::string_view> kTwins[] = {
      {"\u0130", "i"}, {"\u0131", "i"}, {"\u1FD3", "\u0390"}, {"\u1FE3", "\u03B0"}, {"\uFB05", "\uFB06"}};
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    const auto twin = std::find_if(std::begin(kTwins), std::end(kTwins),
                                   [&](const auto& twins) { return text.starts_with(twins.first); });
    const bool found = twin != std::end(kTwins);
    result += found ? twin->second : text.substr(0, 1);
    text.remove_prefix(found ? twin->first.size() : 1);
  }
  return result;
}

}  // namespace detail

/// A pattern as Python's module re reads it, as far as PCRE2 has the same syntax: what a word character or white space
/// is, where a word begins, and which letters are the same where case is ignored.
class PythonRegex {
 public:
  enum Case { heeds_case, ignores_case };

  /// Throws Error when `pattern` does not compile; `where` names it in this and later errors.
  PythonRegex(std::string_view pattern, Case letters, const std::string& where)
      : ignores_case_(letters == ignores_case),
        regex_(ignores_case_ ? with_option(detail::pcre2_pattern(detail::with_python_twins(pattern)))
                             : detail::pcre2_pattern(pattern),
               where, 1'000'000) {}

  /// re.search in `text`, valid UTF-8. Throws Error when a match takes too many steps.
  bool found_in(std::string_view text) const { return regex_.found_in(prepared(text)); }
  /// The length of re.findall in `text`, valid UTF-8. Throws Error when a match takes too many steps.
  std::size_t count(std::string_view text) const { return regex_.count(prepared(text)); }
  /// re.sub in `text`, valid UTF-8; $1 is the first group. Only where case is heeded.
  std::string replaced(std::string_view text, std::string_view with) const { return regex_.replaced(text, with); }

 private:
  static std::string with_option(std::string pattern) { return pattern.insert(pattern.find(')') + 1, "(?i)"); }
  std::string prepared(std::string_view text) const {
    return ignores_case_ ? detail::with_python_twins(text) : std::string(text);
  }

  bool ignores_case_;
  Regex regex_;
};

}  // namespace kvx::inline v0
