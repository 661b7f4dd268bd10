#pragma once

#include <kvx/score/code_exec/python_lines.hpp>
#include <kvx/score/code_exec/python_scan.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace kvx::inline v0 {

/// The text between two Markdown fences, such as lines of ```.
struct FencedBlock {
  std::string text;
  bool python = false;    ///< whether the first fence says `py`, `python` or `python3`
  std::size_t begin = 0;  ///< where the line of the first fence begins
  std::size_t end = 0;    ///< where the line after the last fence begins
  bool closed = false;    ///< false if there is no last fence, and the block ends with the text
};

namespace detail {

/// A fence, and the text before and after it on its line.
struct Fence {
  char mark = 0;  ///< 0 for none
  std::size_t size = 0;
  std::string_view before, behind;
};

/// The fence of a line: three or more of ` or ~ at its beginning; three or more of ` may also follow other text.
inline Fence fence_of(const TextLine& line) {
  const std::string_view content = line.content();
  for (const char mark : {'`', '~'}) {
    std::size_t pos = content.rfind(std::string(3, mark));
    if (pos == content.npos) continue;
    while (pos > 0 && content[pos - 1] == mark) --pos;
    if (pos > 0 && (mark == '~' || content.find(mark) < pos)) continue;  // inline code
    const std::size_t end = std::min(content.find_first_not_of(mark, pos), content.size());
    const std::string_view before = content.substr(0, pos);
    return {mark, end - pos, before.substr(0, before.find_last_not_of(" \t") + 1), without_blanks(content.substr(end))};
  }
  return {};
}

/// Whether the triple-quoted string that is open in `scan` ends in one of the lines from `next` on.
inline bool string_closes(const std::vector<TextLine>& lines, std::size_t next, PythonScan scan) {
  constexpr std::size_t kMaxLines = 200;  // of a docstring, so that hostile text takes linear time
  for (std::size_t i = next; i < std::min(lines.size(), next + kMaxLines); ++i) {
    scan.read(lines[i].text);
    if (!scan.in_string()) return true;
  }
  return false;
}

}  // namespace detail

/// The blocks of a text. A block that is not closed extends to the end of the text. A fence is closed by another that
/// is at least as long, even if a tag follows it. Fences in a docstring are text. Blocks in a list are moved to
/// column 0.
inline std::vector<FencedBlock> fenced_blocks(std::string_view text) {
  std::vector<FencedBlock> blocks;
  const std::vector<detail::TextLine> lines = detail::lines_of(text);
  bool inside = false;
  std::size_t indent = 0;
  detail::Fence open = {};
  detail::PythonScan scan;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const detail::TextLine& line = lines[i];
    const detail::Fence fence = detail::fence_of(line);
    const std::size_t end = std::min(line.offset + line.text.size() + 1, text.size());
    const bool python = fence.behind.starts_with("py") || fence.behind.starts_with("Py");
    const bool begins = fence.before.empty() || fence.before.ends_with(':') || python;
    // A model may begin its block again, for example after an answer prefix that has begun one.
    const bool restarts = inside && python && fence.before.empty() && !scan.in_string();
    if (restarts) blocks.back().closed = true;
    if (!inside || restarts) {
      if (fence.mark == 0 || !begins || fence.behind.find('`') != fence.behind.npos) continue;
      blocks.push_back({"", python, line.offset, end});
      indent = fence.before.empty() ? line.indent() : 0;
      open = fence;
      scan = {};
      inside = true;
      continue;
    }
    FencedBlock& block = blocks.back();
    block.end = end;
    const bool closes = fence.mark == open.mark && fence.size >= open.size &&
                        (fence.behind.empty() || fence.behind.front() == '<') &&
                        !(scan.in_string() && detail::string_closes(lines, i, scan));
    if (!closes || !fence.before.empty()) {
      const std::string_view kept = closes ? line.text.substr(0, line.text.rfind(fence.before.back()) + 1) : line.text;
      const std::string_view moved = kept.substr(std::min(indent, line.indent()));
      block.text.append(moved) += '\n';
      scan.read(moved);
    }
    if (closes) {
      block.closed = true;
      inside = false;
    }
  }
  return blocks;
}

}  // namespace kvx::inline v0
