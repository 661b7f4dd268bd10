#pragma once

#include <kvx/score/answer_segments.hpp>
#include <kvx/score/code_exec/function_body.hpp>
#include <kvx/score/code_exec/python_lines.hpp>
#include <kvx/score/code_exec/python_units.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// The program in a model's answer.
struct ExtractedCode {
  std::string text;
  bool completes = false;  ///< whether it continues the prompt; otherwise it defines the function itself
};

namespace detail {

/// The program of a text without fences, whose unit `definition` defines the function. It has the statements around
/// that unit, up to the next prose on both sides, and all earlier imports and definitions. After the function,
/// statements that only demonstrate it are left out, and so is a last statement in which the answer is cut off.
inline std::string unfenced_program(const std::vector<PythonUnit>& units, std::size_t definition, bool cut) {
  std::size_t begin = definition;
  while (begin > 0 && units[begin - 1].code && units[begin - 1].whole) --begin;
  std::string program;
  for (std::size_t i = 0; i < begin; ++i) {
    const PythonUnit& unit = units[i];
    const bool binds = !unit.defines.empty() || among(name_at(unit.text), {"import", "from"});
    if (unit.code && unit.whole && binds && unit.defines != units[definition].defines) program += unit.text;
  }
  for (std::size_t i = begin; i < units.size() && units[i].code; ++i) {
    if (i > definition && is_demonstration(units[i].text)) continue;
    if (i > definition && !units[i].whole && (cut || units[i].defines.empty())) break;
    program += units[i].text;
  }
  return program;
}

/// A fenced program. If its fence is closed, the program is the whole block. Otherwise the answer may be cut off, and
/// the program ends before the first incomplete statement after the function.
inline std::string fenced_program(const AnswerSegment& block, std::string_view entry_point) {
  if (!block.cut) return block.text;
  const auto units = python_units(block.text);
  const std::size_t definition = last_definition(units, entry_point, true);
  std::string program;
  for (std::size_t i = 0; i < units.size(); ++i) {
    if (i > definition && (!units[i].whole || !units[i].code)) break;
    program += units[i].text;
  }
  return program;
}

/// Whether a program uses the names that `unit`, an import or a function of another block, defines, and does not
/// define them itself.
inline bool is_used(const PythonUnit& unit, std::string_view program) {
  if (program.find(unit.head()) != program.npos) return false;
  if (is_function(unit.head()))
    return !is_stub(unit) && program.find("def " + std::string(unit.defines)) == program.npos &&
           program.find(unit.defines) != program.npos;
  if (!among(name_at(unit.text), {"import", "from"})) return false;
  std::string_view rest = unit.head().substr(unit.head().rfind("import") + std::string_view("import").size());
  while (!rest.empty()) {
    const std::string_view name = name_at(rest);
    if (!name.empty() && name != "as" && program.find(name) != program.npos) return true;
    rest.remove_prefix(std::max<std::size_t>(name.size(), 1));
  }
  return false;
}

/// The program of the last segment that defines the function with a body; if there is none, of the last that defines
/// it as a stub.
inline std::optional<std::string> defining_program(const std::vector<AnswerSegment>& segments,
                                                   std::string_view entry_point) {
  for (const bool body : {true, false})
    for (std::size_t s = segments.size(); s-- > 0;) {
      const AnswerSegment& segment = segments[s];
      const auto units = python_units(segment.text);
      const std::size_t definition = last_definition(units, entry_point, body);
      if (definition == units.size()) continue;
      if (!segment.fenced) return unfenced_program(units, definition, segment.cut);
      const std::string program = fenced_program(segment, entry_point);
      std::string before;  // imports and helpers may be in separate blocks
      for (std::size_t i = 0; i < s; ++i)
        if (segments[i].fenced)
          for (const PythonUnit& unit : python_units(segments[i].text))
            if (unit.code && unit.whole && is_used(unit, program)) before += unit.text;
      return before + program;
    }
  return std::nullopt;
}

inline bool begins_with_code(std::string_view text) {
  for (const TextLine& line : lines_of(text))
    if (!line.blank()) return looks_like_code(line.content());
  return false;
}

/// The block that is most likely the function's body: a block marked as Python, else one that looks like Python, else
/// the first.
inline const AnswerSegment* body_block(const std::vector<AnswerSegment>& segments) {
  const auto rank = [](const AnswerSegment& segment) { return 2 * segment.python + begins_with_code(segment.text); };
  const AnswerSegment* found = nullptr;
  for (const AnswerSegment& segment : segments)
    if (segment.fenced && !segment.blank() && (found == nullptr || rank(segment) > rank(*found))) found = &segment;
  return found;
}

/// Whether an answer begins with the function's body, as a base model's answer does: its first line is indented code.
/// A program that defines the function itself after a stray blank does not count.
inline bool begins_with_body(std::string_view text, std::string_view entry_point, std::string_view prompt) {
  for (const TextLine& line : lines_of(text))
    if (!line.blank())
      return line.indent() > 0 && looks_like_code(line.content()) &&
             (line.indent() >= body_indentation(prompt).size() || definition_of(text, entry_point) == text.npos);
  return false;
}

}  // namespace detail

/// Finds the program in an answer. It is the last block or text that defines the function `entry_point` with a body. If
/// there is none, it is the rest of the function that `prompt`, if there is one, begins.
inline std::optional<ExtractedCode> extract_code(std::string_view answer, std::string_view entry_point,
                                                 std::string_view prompt) {
  const std::string text = with_line_feeds(answer);
  std::vector<detail::AnswerSegment> segments = detail::answer_segments(text);
  ExtractedCode code;
  const std::string& front = segments.front().text;
  // A base model's answer is code from its first character on. A fence after it begins something else.
  if (!prompt.empty() && detail::moved_to_column_0(front, entry_point) == front &&
      detail::begins_with_body(front, entry_point, prompt)) {
    code = {detail::function_body(front, prompt), true};
  } else {
    for (detail::AnswerSegment& segment : segments)
      segment.text =
          detail::without_leading_blanks(detail::moved_to_column_0(std::move(segment.text), entry_point), entry_point);
    const detail::AnswerSegment* block = detail::body_block(segments);
    const std::string_view text_before = detail::without_prose_before(front);
    if (auto program = detail::defining_program(segments, entry_point))
      code.text = std::move(*program);
    else if (block != nullptr &&
             (prompt.empty() || detail::begins_with_code(block->text) || !detail::begins_with_code(text_before)))
      code = {prompt.empty() ? block->text : detail::function_body(block->text, prompt), !prompt.empty()};
    else if (!prompt.empty())
      code = {detail::function_body(text_before, prompt), true};
  }
  if (code.text.find_first_not_of(" \t\n") == code.text.npos) return std::nullopt;
  return code;
}

}  // namespace kvx::inline v0
