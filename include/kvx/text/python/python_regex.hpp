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

/// Translates a pattern to PCRE2 with the character classes of Python's module re. Within brackets, `\S` and `\W` keep
/// PCRE2's meaning.
inline std::string pcre2_pattern(std::string_view pattern) {
  constexpr std::string_view kSpace = "\\p{White_Space}\\x1C-\\x1F", kWord = "\\p{L}\\p{N}_";
  const auto one_of = [](std::string_view characters) { return "[" + std::string(characters) + "]"; };
  const auto none_of = [](std::string_view characters) { return "[^" + std::string(characters) + "]"; };
  const std::string after_word = "(?<=" + one_of(kWord) + ")", not_after_word = "(?<!" + one_of(kWord) + ")",
                    before_word = "(?=" + one_of(kWord) + ")", not_before_word = "(?!" + one_of(kWord) + ")";
  std::string result = "(*LF)";  // only LF ends a line, for `.` and `$`
  bool bracketed = false;
  std::size_t bracket = 0;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != '\\' || i + 1 == pattern.size()) {
      if (pattern[i] == '[' && !bracketed) {
        bracketed = true;
        bracket = i + (pattern.substr(i + 1).starts_with('^') ? 2 : 1);  // a `]` there is an ordinary character
      } else if (pattern[i] == ']' && i > bracket) {
        bracketed = false;
      }
      result += pattern[i];
      continue;
    }
    const char escaped = pattern[++i];
    if (escaped == 's' || escaped == 'w') {
      const std::string_view characters = escaped == 's' ? kSpace : kWord;
      result += bracketed ? std::string(characters) : one_of(characters);
    } else if (!bracketed && (escaped == 'S' || escaped == 'W')) {
      result += none_of(escaped == 'S' ? kSpace : kWord);
    } else if (!bracketed && escaped == 'b') {
      result += "(?:" + after_word + not_before_word + "|" + not_after_word + before_word + ")";
    } else if (!bracketed && escaped == 'B') {
      result += "(?:" + after_word + before_word + "|" + not_after_word + not_before_word + ")";
    } else if (!bracketed && escaped == 'Z') {
      result += "\\z";
    } else {
      result.append("\\").append(1, escaped);
    }
  }
  return result;
}

/// Replaces one character of each pair that is equal with Python's IGNORECASE, but not with PCRE2, by the other one.
inline std::string with_equal_letters(std::string_view text) {
  constexpr std::pair<std::string_view, std::string_view> kPairs[] = {
      {"\u0130", "i"}, {"\u0131", "i"}, {"\u1FD3", "\u0390"}, {"\u1FE3", "\u03B0"}, {"\uFB05", "\uFB06"}};
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    const auto pair = std::find_if(std::begin(kPairs), std::end(kPairs),
                                   [&](const auto& candidate) { return text.starts_with(candidate.first); });
    const bool found = pair != std::end(kPairs);
    result += found ? pair->second : text.substr(0, 1);
    text.remove_prefix(found ? pair->first.size() : 1);
  }
  return result;
}

}  // namespace detail

/// A regular expression of Python's module re, as far as PCRE2 has the same syntax. Word characters, white space, the
/// boundaries of words, and the letters that are equal if case is ignored are those of Python.
class PythonRegex {
 public:
  enum Case { case_sensitive, case_insensitive };

  /// Throws Error if `pattern` does not compile. This and later errors name the pattern as `where`.
  PythonRegex(std::string_view pattern, Case letters, const std::string& where)
      : ignores_case_(letters == case_insensitive),
        regex_(ignores_case_ ? with_option(detail::pcre2_pattern(detail::with_equal_letters(pattern)))
                             : detail::pcre2_pattern(pattern),
               where, 1'000'000) {}

  /// Whether re.search finds a match in `text`, valid UTF-8. Throws Error if a match takes too many steps.
  bool found_in(std::string_view text) const { return regex_.found_in(prepared(text)); }
  /// The number of matches that re.findall finds in `text`, valid UTF-8. Throws Error if a match takes too many steps.
  std::size_t count(std::string_view text) const { return regex_.count(prepared(text)); }
  /// re.sub in `text`, valid UTF-8; $1 is the first group. Only for a pattern that is case_sensitive.
  std::string replaced(std::string_view text, std::string_view replacement) const {
    return regex_.replaced(text, replacement);
  }

 private:
  static std::string with_option(std::string pattern) { return pattern.insert(pattern.find(')') + 1, "(?i)"); }
  std::string prepared(std::string_view text) const {
    return ignores_case_ ? detail::with_equal_letters(text) : std::string(text);
  }

  bool ignores_case_;
  Regex regex_;
};

}  // namespace kvx::inline v0
