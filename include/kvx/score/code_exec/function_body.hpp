#pragma once

#include <kvx/score/code_exec/python_lines.hpp>
#include <kvx/score/code_exec/python_statement.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace kvx::inline v0::detail {

/// The indentation of the line that should follow a prompt.
inline std::string body_indentation(std::string_view prompt) {
  std::string found = "    ";
  for (const TextLine& line : lines_of(prompt)) {
    if (line.blank()) continue;
    found = std::string(line.text.substr(0, line.indent()));
    if (found.empty() || line.content().ends_with(':')) found += "    ";
  }
  return found;
}

/// The text from its first line of code on; the whole text if there is none.
inline std::string_view without_prose_before(std::string_view text) {
  for (const TextLine& line : lines_of(text))
    if (!line.blank() && looks_like_code(line.content())) return text.substr(line.offset);
  return text;
}

/// The rest of a function that the prompt begins, up to the first line outside of the function. Chat models may drop
/// the indentation of the first line or of all lines; it is restored.
inline std::string function_body(std::string_view text, std::string_view prompt) {
  std::vector<TextLine> lines = lines_of(text);
  const auto begin = std::find_if(lines.begin(), lines.end(), [](const TextLine& line) { return !line.blank(); });
  if (begin == lines.end()) return "";
  const bool dedented = begin->indent() == 0;
  const auto end = std::find_if(begin + 1, lines.end(), [&](const TextLine& line) {
    if (line.blank() || line.indent() > 0 || line.text.find_first_of(")]}") == 0) return false;
    return !dedented || among(name_at(line.text), {"def", "class", ""}) || line.text.starts_with("if __name__");
  });
  const std::string indentation = body_indentation(prompt);
  const auto second = std::find_if(begin + 1, end, [](const TextLine& line) { return !line.blank(); });
  const std::size_t body = indentation.size(), next = second == end ? 0 : second->indent();
  const bool first_only = begin->content().ends_with(':') ? next > body : next >= body;
  const std::size_t missing = body - std::min(body, begin->indent());
  std::string result(text.substr(0, begin->offset));
  for (auto line = begin; line != end; ++line) {
    if (line == begin || (!first_only && !line->blank())) result += indentation.substr(0, missing);
    result.append(line->text) += '\n';
  }
  return result;
}

}  // namespace kvx::inline v0::detail
