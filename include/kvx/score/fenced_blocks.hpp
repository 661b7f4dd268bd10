#pragma once

#include <kvx/score/python_lines.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace kvx::inline v0 {

/// What stands between two lines of ``` in Markdown.
struct FencedBlock {
  std::string text;
  bool python = false;  ///< said by the first fence, as `py`, `python` or `python3`
  std::size_t at = 0;   ///< where the first fence stands
};

/// The blocks of a text; one that is not closed goes to the end. What stands in a list is moved to column 0.
inline std::vector<FencedBlock> fenced_blocks(std::string_view text) {
  std::vector<FencedBlock> blocks;
  bool inside = false;
  std::size_t indent = 0;
  for (const detail::TextLine& line : detail::lines_of(text)) {
    const std::string_view content = line.content();
    if (!inside && content.starts_with("```")) {
      const std::string_view language = detail::without_blanks(content.substr(3));
      blocks.push_back({"", language.starts_with("py") || language.starts_with("Py"), line.at});
      indent = line.indent();
      inside = true;
    } else if (inside && content == "```") {
      inside = false;
    } else if (inside) {
      blocks.back().text.append(line.text.substr(std::min(indent, line.indent()))) += '\n';
    }
  }
  return blocks;
}

}  // namespace kvx::inline v0
