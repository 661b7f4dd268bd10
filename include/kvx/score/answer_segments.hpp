#pragma once

#include <kvx/score/code_exec/python_lines.hpp>
#include <kvx/score/code_exec/python_units.hpp>
#include <kvx/score/fenced_blocks.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvx::inline v0::detail {

/// A fenced block of an answer, or the text before, between or after the blocks.
struct AnswerSegment {
  std::string text;
  bool fenced = false, python = false;  ///< `python`: as in FencedBlock
  bool cut = false;                     ///< the segment reaches the end of the answer, which may be cut off there

  bool blank() const { return text.find_first_not_of(" \t\n") == text.npos; }
};

/// Moves a text left so that the line that defines the function begins at column 0; code in Markdown and at the
/// beginning of some answers is indented. Returns the text unchanged if that line is at column 0 already.
inline std::string moved_to_column_0(std::string text, std::string_view entry_point) {
  std::size_t column = 0;
  for (const TextLine& line : lines_of(text)) {
    const bool defines =
        is_function(line.content()) && (entry_point.empty() || defined_name(line.content()) == entry_point);
    if (defines && line.indent() == 0) return text;
    if (defines && column == 0) column = line.indent();
  }
  if (column == 0) return text;
  std::string moved;
  for (const TextLine& line : lines_of(text))
    moved.append(line.text.substr(std::min(column, line.indent()))).append("\n");
  return moved;
}

/// Removes the blanks before the first line of code of a text that defines the function at column 0; some tokenizers
/// put a blank there. Returns a text that does not define the function unchanged.
inline std::string without_leading_blanks(std::string text, std::string_view entry_point) {
  for (const TextLine& line : lines_of(text)) {
    if (line.blank()) continue;
    if (line.indent() > 0 && looks_like_code(line.content()) && definition_of(text, entry_point) != text.npos)
      text.erase(line.offset, line.indent());
    break;
  }
  return text;
}

/// The segments of an answer, in order. The last one is the text after the last fenced block; it may be empty.
inline std::vector<AnswerSegment> answer_segments(std::string_view text) {
  std::vector<AnswerSegment> segments;
  std::size_t pos = 0;
  for (FencedBlock& block : fenced_blocks(text)) {
    const std::string_view before = text.substr(pos, block.begin - pos);
    const std::string_view line = text.substr(block.begin, text.find('\n', block.begin) - block.begin);
    const std::size_t fence = std::min(line.find("```"), line.find("~~~"));
    segments.push_back({std::string(before).append(line.substr(0, fence))});
    std::string_view content = block.text;
    for (const std::string_view language : {"python\n", "python3\n", "Python\n", "py\n"})  // a line after the fence
      if (content.starts_with(language)) content.remove_prefix(language.size());
    segments.push_back({std::string(content), true, block.python, !block.closed});
    pos = block.end;
  }
  segments.push_back({std::string(text.substr(pos)), false, false, true});
  return segments;
}

/// The index of the last unit that defines the function; with `body`, stubs are skipped. The number of units if there
/// is none.
inline std::size_t last_definition(const std::vector<PythonUnit>& units, std::string_view entry_point, bool body) {
  for (std::size_t i = units.size(); i-- > 0;) {
    const PythonUnit& unit = units[i];
    const bool defines = entry_point.empty() ? is_function(unit.head()) : unit.defines == entry_point;
    if (unit.code && defines && !(body && is_stub(unit))) return i;
  }
  return units.size();
}

}  // namespace kvx::inline v0::detail
