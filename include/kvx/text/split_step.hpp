#pragma once

#include <kvx/core/error.hpp>
#include <kvx/io/json/json.hpp>
#include <kvx/io/regex.hpp>
#include <kvx/text/known_fields.hpp>
#include <kvx/text/replace_step.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// How a text is split at the matches of a pattern; `behavior` in tokenizer.json.
enum class SplitBehavior { removed, isolated, merged_with_previous, merged_with_next, contiguous };

/// The bytes [first, last) of a text, and whether they match a pattern.
struct TextPart {
  std::size_t first, last;
  bool is_match;
};

/// Removes matches, or joins them to their neighbors, as `behavior` requires. `parts` are in order and cover a text.
inline std::vector<TextPart> with_behavior(std::vector<TextPart> parts, SplitBehavior behavior) {
  std::vector<TextPart> result;
  bool previous = false;  // whether the part before is a match
  const bool backward = behavior == SplitBehavior::merged_with_next;
  if (backward) std::ranges::reverse(parts);
  for (const TextPart& part : parts) {
    const bool joins = behavior == SplitBehavior::contiguous ? part.is_match == previous : part.is_match && !previous;
    const bool may_join = behavior != SplitBehavior::removed && behavior != SplitBehavior::isolated;
    previous = part.is_match;
    if (behavior == SplitBehavior::removed && part.is_match) continue;
    if (may_join && joins && !result.empty()) {
      (backward ? result.back().first : result.back().last) = backward ? part.first : part.last;
    } else {
      result.push_back(part);
    }
  }
  if (backward) std::ranges::reverse(result);
  return result;
}

namespace detail {

/// Throws Error for parts of a regular expression that PCRE2 reads in another way than Oniguruma, the library that
/// tokenizers uses.
inline void check_portable_regex(const JsonValue& pattern) {
  const std::string_view text = pattern.string();
  const auto refuse = [&](const std::string& part) { pattern.fail("a regular expression without " + part); };
  bool in_class = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char next = i + 1 < text.size() ? text[i + 1] : '\0';
    if (text[i] == '\\') {
      if (std::string_view("wWbBhHvVRXKQkgGyYOM").find(next) != text.npos) refuse(std::string("\\") + next);
      i += 1;
      if (next == 'p' || next == 'P') {
        const std::size_t end = std::min(text.find('}', i), text.size());
        if (text.substr(i + 1, 1) != "{" || end - i > 4) refuse("properties other than categories such as \\p{Lu}");
        i = end;
      }
    } else if (in_class) {
      if (text[i] == '[') refuse("a [ in a set of characters");
      if (text[i] == '&' && next == '&') refuse("&& in a set of characters");
      in_class = text[i] != ']';
    } else if (text[i] == '[') {
      in_class = true;
      if (next == '^') ++i;
    } else if (text.substr(i).starts_with("}+") || text.substr(i).starts_with("}?") ||
               text.substr(i).starts_with("{,")) {
      refuse(std::string(text.substr(i, 2)));
    } else if (text[i] == '(' && next == '?') {
      constexpr std::string_view kGroups[] = {":", "=", "!", "<=", "<!", ">", "i:"};
      const std::string_view group = text.substr(i + 2);
      if (std::ranges::none_of(kGroups, [&](std::string_view known) { return group.starts_with(known); }))
        refuse("other groups than (?: (?= (?! (?<= (?<! (?> (?i:");
    }
  }
}

}  // namespace detail

/// The step Split of a tokenizer.json's pre_tokenizer: splits a text at a string or a regular expression.
class SplitStep {
 public:
  /// Throws Error for patterns and behaviors that are not implemented.
  explicit SplitStep(const JsonValue& step) {
    detail::check_fields(step, {"pattern", "behavior", "invert"});
    const auto pattern = step.at("pattern");
    if (const auto regex = pattern.find("Regex")) {
      detail::check_portable_regex(*regex);
      regex_.emplace("(?m)" + std::string(regex->string()), regex->where());  // ^ and $ are at ends of lines
    } else {
      string_ = detail::string_pattern(step);
    }
    constexpr std::string_view kBehaviors[] = {"Removed", "Isolated", "MergedWithPrevious", "MergedWithNext",
                                               "Contiguous"};
    const auto behavior = step.at("behavior");
    const auto* found = std::ranges::find(kBehaviors, behavior.string());
    if (found == std::ranges::end(kBehaviors))
      behavior.fail("Removed, Isolated, MergedWithPrevious, MergedWithNext or Contiguous");
    behavior_ = static_cast<SplitBehavior>(found - std::ranges::begin(kBehaviors));
    invert_ = step.at("invert").boolean();
  }
  SplitStep(std::string string, SplitBehavior behavior) : string_(std::move(string)), behavior_(behavior) {}
  SplitStep(Regex regex, SplitBehavior behavior) : regex_(std::move(regex)), behavior_(behavior) {}

  /// Calls f(part) for each part of `text`, valid UTF-8, that is not empty.
  template <class F>
  void split(std::string_view text, F&& f) const {
    std::vector<TextPart> parts;
    std::size_t end = 0;
    const auto add = [&](std::size_t first, std::size_t last) {
      if (first != end) parts.push_back({end, first, invert_});
      parts.push_back({first, last, !invert_});
      end = last;
    };
    if (regex_) {
      regex_->each_match(text, add);
    } else {
      for (std::size_t at = 0; (at = text.find(string_, at)) != text.npos; at += string_.size())
        add(at, at + string_.size());
    }
    if (end != text.size()) parts.push_back({end, text.size(), invert_});
    for (const TextPart& part : with_behavior(std::move(parts), behavior_))
      if (part.first < part.last) f(text.substr(part.first, part.last - part.first));
  }

 private:
  std::optional<Regex> regex_;
  std::string string_;  // if there is no regex
  SplitBehavior behavior_ = SplitBehavior::isolated;
  bool invert_ = false;
};

}  // namespace kvx::inline v0
