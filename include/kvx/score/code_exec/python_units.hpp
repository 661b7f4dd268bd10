#pragma once

#include <kvx/score/code_exec/python_lines.hpp>
#include <kvx/score/code_exec/python_scan.hpp>
#include <kvx/score/code_exec/python_statement.hpp>

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <vector>

namespace kvx::inline v0::detail {

/// A statement at column 0 with all its lines and the blank lines after it, or a line of prose.
struct PythonUnit {
  std::string_view text;
  std::string_view defines = {};  ///< the function, class or variable that it defines; may be empty
  bool code = false;              ///< a statement or a comment, not prose
  bool whole = true;              ///< whether the statement is complete: strings and brackets are closed

  /// The first line that is not a decorator.
  std::string_view head() const {
    std::string_view rest = text;
    while (rest.starts_with('@') && rest.find('\n') != rest.npos) rest.remove_prefix(rest.find('\n') + 1);
    return rest.substr(0, rest.find('\n'));
  }
};

/// Whether a line of code with closed strings and brackets is incomplete, so that more must follow.
inline bool ends_early(std::string_view line) {
  const std::size_t last = line.find_last_not_of(" \t");
  if (last == line.npos) return false;
  line = line.substr(0, last + 1);
  if (line.ends_with('.'))
    return last == 0 || !(line[last - 1] == '.' || (line[last - 1] >= '0' && line[last - 1] <= '9'));
  if (std::string_view(":,=+-*/%&|^<>").find(line[last]) != std::string_view::npos) return true;
  const std::size_t before = line.find_last_of(" \t(");
  return among(line.substr(before == line.npos ? 0 : before + 1),
               {"and", "or", "not", "in", "is", "if", "else", "for", "lambda", "import", "from", "as", "def", "class",
                "while", "with", "elif", "except"});
}

/// Splits a text into units; joined, they are the text. Each line of prose is a separate unit, and so is each
/// indented line that does not follow a statement.
inline std::vector<PythonUnit> python_units(std::string_view text) {
  std::vector<PythonUnit> units;
  PythonScan scan;
  bool decorated = false;
  std::string_view last_code;  // the last line of code of the open unit
  const auto read = [&](std::string_view line) {
    scan.read(line);
    if (scan.code().find_first_not_of(" \t") != line.npos) last_code = scan.code();
  };
  const auto close = [&] {
    if (!units.empty() && units.back().code) units.back().whole = !scan.open() && !ends_early(last_code);
  };
  for (const TextLine& line : lines_of(text)) {
    const std::string_view full_line =
        text.substr(line.offset, line.text.size() + (line.offset + line.text.size() < text.size()));
    const bool inside = !units.empty() && units.back().code && scan.open();
    const bool follows =
        !units.empty() && units.back().code &&
        (line.indent() > 0 || decorated || among(name_at(line.text), {"else", "elif", "except", "finally"}));
    if (!units.empty() && (inside || line.blank() || follows)) {
      PythonUnit& unit = units.back();
      unit.text = {unit.text.data(), unit.text.size() + full_line.size()};
      if (decorated && !line.blank()) unit.defines = defined_name(line.text);
      decorated = decorated && (line.blank() || line.text.starts_with('@'));
      if (unit.code) read(line.text);
    } else {
      close();
      scan = {};
      last_code = {};
      PythonUnit unit{full_line};
      unit.code = !line.blank() && line.indent() == 0 && looks_like_code(line.text);
      if (unit.code) {
        unit.defines = defined_name(line.text);
        decorated = line.text.starts_with('@');
        read(line.text);
      }
      units.push_back(unit);
    }
  }
  close();
  return units;
}

/// Whether a unit defines a function without an implementation: its body has only a docstring, `pass`, `...` or the
/// like. A unit that defines something else is not a stub.
inline bool is_stub(const PythonUnit& unit) {
  std::string_view rest = unit.text.substr(static_cast<std::size_t>(unit.head().data() - unit.text.data()));
  if (!is_function(rest)) return false;
  PythonScan scan;
  std::size_t body = rest.npos;
  for (const TextLine& line : lines_of(rest)) {
    scan.read(line.text);
    if (scan.colon() != rest.npos) {
      body = line.offset + scan.colon() + 1;
      break;
    }
  }
  if (body == rest.npos) return true;
  bool in_docstring = false;
  PythonScan docstring;
  for (const TextLine& line : lines_of(rest.substr(body))) {
    const std::string_view content = line.content();
    if (in_docstring) {
      docstring.read(line.text);
      in_docstring = docstring.in_string();
      continue;
    }
    if (content.empty() || content.front() == '#' || content.starts_with("import ") || content.starts_with("from "))
      continue;
    const std::string_view bare = content.substr(std::min(content.find_first_not_of("rRuU"), content.size()));
    if (bare.starts_with('"') || bare.starts_with('\'')) {
      docstring.read(bare);
      in_docstring = docstring.in_string();
      continue;
    }
    if (!among(content.substr(0, content.find_first_of(" (#")), {"pass", "..."}) &&
        !content.starts_with("raise NotImplementedError") && content != "return NotImplemented")
      return false;
  }
  return true;
}

}  // namespace kvx::inline v0::detail
