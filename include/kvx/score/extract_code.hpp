#pragma once

#include <kvx/score/fenced_blocks.hpp>
#include <kvx/score/python_lines.hpp>

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kvx::inline v0 {

/// The program in a model's answer.
struct ExtractedCode {
  std::string text;
  bool completes = false;  ///< it goes on where the prompt ends; else it defines the function itself
};

namespace detail {

inline bool among(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

/// Whether a line of column 0 can be the beginning of a program rather than prose.
inline bool begins_code(std::string_view line) {
  if (line.starts_with("from ")) return line.find(" import ") != line.npos;
  return line.starts_with("@") || line.starts_with("import ") || !defined_name(line).empty();
}

/// Whether a line of column 0 after a definition still belongs to the program: neither prose nor what models add to
/// show the function at work.
inline bool continues_code(std::string_view line) {
  if (line.find_first_of("@#)]}") == 0) return true;
  const std::string_view name = name_at(line), rest = without_blanks(line.substr(name.size()));
  if (name.empty() || among(name, {"print", "assert", "if"})) return false;
  if (among(name, {"def", "class", "async", "import", "from", "for", "while", "with", "try", "except", "else", "elif",
                   "finally", "global", "del"}))
    return true;
  if (rest.starts_with(".")) return rest.size() > 1 && is_name_character(rest[1]);
  return rest.find_first_of("=[(,+-*/|&%^") == 0;
}

/// The program in a text that defines the function: without what is said before and shown after.
inline std::string own_program(std::string_view text, std::size_t definition) {
  std::size_t begin = definition, end = text.size();
  for (const TextLine& line : lines_of(text)) {
    if (line.blank() || line.indent() > 0 || line.at == definition) continue;
    if (line.at < begin && begins_code(line.text)) begin = line.at;
    if (line.at > definition && !continues_code(line.text)) {
      end = line.at;
      break;
    }
  }
  return std::string(text.substr(begin, end - begin));
}

/// The indentation of what follows a prompt.
inline std::string body_indentation(std::string_view prompt) {
  std::string found = "    ";
  for (const TextLine& line : lines_of(prompt)) {
    if (line.blank()) continue;
    found = std::string(line.text.substr(0, line.indent()));
    if (found.empty() || line.content().ends_with(':')) found += "    ";
  }
  return found;
}

/// The rest of a function whose beginning is the prompt, up to the first line that is outside of it. Chat models drop
/// the indentation of the first line, or of all lines: that is put back.
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
  std::string result(text.substr(0, begin->at));
  for (auto line = begin; line != end; ++line) {
    if (line == begin || (!first_only && !line->blank())) result += indentation.substr(0, missing);
    result.append(line->text) += '\n';
  }
  return result;
}

/// Of several blocks the one that defines the function, and of those the first that says it is Python.
inline const FencedBlock& best_block(const std::vector<FencedBlock>& blocks, std::string_view entry_point) {
  const auto worth = [&](const FencedBlock& block) {
    return 2 * (definition_of(block.text, entry_point) != std::string::npos) + block.python;
  };
  return *std::max_element(blocks.begin(), blocks.end(),
                           [&](const FencedBlock& a, const FencedBlock& b) { return worth(a) < worth(b); });
}

}  // namespace detail

/// Finds the program that is to define `entry_point`, or to go on where `prompt` ends when there is one: a fenced
/// block, a text that defines the function itself, or else the rest of the function.
inline std::optional<ExtractedCode> extract_code(std::string_view answer, std::string_view entry_point,
                                                 std::string_view prompt) {
  const std::string text = with_line_feeds(answer);
  const auto blocks = fenced_blocks(text);
  const std::string_view unfenced = std::string_view(text).substr(0, blocks.empty() ? text.npos : blocks.front().at);
  ExtractedCode code;
  const std::size_t first = unfenced.find_first_not_of(" \t\n"), definition = definition_of(unfenced, entry_point);
  // A base model's answer is code from its first character; a fence that it adds is where it begins something else.
  const bool is_body = !prompt.empty() && first != unfenced.npos && first > 0 && unfenced[first - 1] != '\n';
  if (!is_body && definition != unfenced.npos) {
    code.text = detail::own_program(unfenced, definition);
  } else if (!is_body && !blocks.empty()) {
    code.text = detail::best_block(blocks, entry_point).text;
    code.completes = !prompt.empty() && definition_of(code.text, entry_point) == code.text.npos;
    if (code.completes) code.text = detail::function_body(code.text, prompt);
  } else if (!prompt.empty()) {
    code = {detail::function_body(unfenced, prompt), true};
  }
  if (code.text.find_first_not_of(" \t\n") == code.text.npos) return std::nullopt;
  return code;
}

}  // namespace kvx::inline v0
