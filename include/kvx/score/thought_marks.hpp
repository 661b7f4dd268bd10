#pragma once

#include <kvx/core/error.hpp>
#include <kvx/io/json/json.hpp>

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// The marks around the thoughts that a model writes before its answer.
struct ThoughtMarks {
  std::string open = "<think>", close = "</think>";
  bool operator==(const ThoughtMarks&) const = default;
};

/// Reads `OPEN,CLOSE`. Throws Error for anything else.
inline ThoughtMarks parse_thought_marks(std::string_view text) {
  const std::size_t comma = text.find(',');
  if (comma == text.npos || comma == 0 || comma + 1 == text.size() || text.find(',', comma + 1) != text.npos)
    throw Error("think", "expected OPEN,CLOSE, such as <think>,</think>, found '" + detail::shortened(text, 60) + "'");
  return {std::string(text.substr(0, comma)), std::string(text.substr(comma + 1))};
}

namespace detail {

/// Whether the name of a tag marks thoughts.
inline bool names_thought(std::string_view name) {
  std::string lower(name);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); });
  return lower.find("think") != lower.npos || lower.find("thought") != lower.npos || lower.find("reason") != lower.npos;
}

}  // namespace detail

/// The marks of thoughts in a chat template: closing tags such as </think>, </seed:think> or [/THINK], if the template
/// has their opening tags too, and the tokens of Cohere's, OpenThinker's, Gemma 4's and gpt-oss' models. In the order
/// of the closing marks.
inline std::vector<ThoughtMarks> thought_marks_in(std::string_view chat_template) {
  std::vector<ThoughtMarks> found;
  const auto add = [&](ThoughtMarks marks) {
    if (chat_template.find(marks.open) != chat_template.npos &&
        std::find(found.begin(), found.end(), marks) == found.end())
      found.push_back(std::move(marks));
  };
  constexpr std::pair<std::string_view, char> kTags[] = {{"</", '>'}, {"[/", ']'}};
  for (const auto& [begin, end] : kTags)
    for (std::size_t pos = 0; (pos = chat_template.find(begin, pos)) != chat_template.npos; pos += begin.size()) {
      const std::size_t close = chat_template.find_first_of("<>[] \n'\"", pos + begin.size());
      if (close == chat_template.npos || chat_template[close] != end) continue;
      const std::string name(chat_template.substr(pos + begin.size(), close - pos - begin.size()));
      if (detail::names_thought(name)) add({begin[0] + name + end, std::string(begin) + name + end});
    }
  for (const auto& [open, close] :
       {std::pair("<|START_THINKING|>", "<|END_THINKING|>"), std::pair("<|begin_of_thought|>", "<|end_of_thought|>"),
        std::pair("<|channel>thought", "<channel|>"), std::pair("<|channel|>analysis<|message|>", "<|end|>")})
    if (chat_template.find(close) != chat_template.npos) add({open, close});
  return found;
}

}  // namespace kvx::inline v0
