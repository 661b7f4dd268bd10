#pragma once

#include <kvx/score/code_exec/python_lines.hpp>

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <string_view>

namespace kvx::inline v0::detail {

inline bool among(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

/// The text after the attributes, calls and subscripts that directly follow a name; `rest` begins after the name.
inline std::string_view after_trailers(std::string_view rest) {
  while (!rest.empty()) {
    if (rest.front() == '.' && rest.size() > 1 && is_name_character(rest[1])) {
      rest.remove_prefix(1 + name_at(rest.substr(1)).size());
    } else if (rest.front() == '(' || rest.front() == '[') {
      std::size_t depth = 0, i = 0;
      do {
        depth += rest[i] == '(' || rest[i] == '[' || rest[i] == '{';
        depth -= rest[i] == ')' || rest[i] == ']' || rest[i] == '}';
      } while (++i < rest.size() && depth > 0 && depth < rest.size());
      rest.remove_prefix(i);
    } else {
      break;
    }
  }
  return without_blanks(rest);
}

/// Whether a line that begins with a name assigns to it or calls it.
inline bool assigns_or_calls(std::string_view name, std::string_view line) {
  const std::string_view after = after_trailers(line.substr(name.size()));
  const bool trailed = after.data() != without_blanks(line.substr(name.size())).data();
  if (after.empty() || after.front() == '#') return trailed;
  if (after.front() == '=') return true;
  const bool assigns = line.find(" = ") != line.npos;
  if (after.front() == ':' || after.front() == ',') return assigns;
  const std::size_t operation = after.find('=');
  if (operation != after.npos && operation > 0 && operation <= 3 &&
      after.substr(0, operation).find_first_not_of("+-*/%&|^<>@!") == after.npos)
    return true;
  return trailed && (after.find_first_of("+-*/%&|^<>;") == 0 ||
                     among(name_at(after), {"if", "and", "or", "in", "is", "not", "for"}));
}

/// Whether a line that begins with `import` has only module names after it, and so is not prose.
inline bool imports(std::string_view line) {
  const std::string_view names = without_blanks(line.substr(std::min(line.size(), std::string_view("import").size())));
  for (std::size_t pos = 0; pos < names.size();) {
    const std::size_t end = std::min(names.find(',', pos), names.size());
    std::string_view part = without_blanks(names.substr(pos, end - pos));
    part = part.substr(0, part.find('#'));
    part = part.substr(0, part.find_last_not_of(" \t;") + 1);
    const std::size_t blank = part.find(' ');
    if (part.empty() || (blank != part.npos && without_blanks(part.substr(blank)).substr(0, 3) != "as ")) return false;
    pos = end + 1;
  }
  return !names.empty();
}

/// Whether the first line of a compound statement has its colon, or continues on the next line.
inline bool has_header(std::string_view line) {
  const std::size_t last = line.find_last_not_of(" \t");
  return line.find(':') != line.npos || (last != line.npos && std::string_view("([{,\\").find(line[last]) != line.npos);
}

/// Whether a line without its indentation begins a statement or is a comment, so that it is code and not prose. It is a
/// guess: it accepts Python statements, and rejects sentences that begin with a keyword of Python.
inline bool looks_like_code(std::string_view line) {
  if (line.find_first_of("@#)]}") == 0 || line.starts_with("\"\"\"") || line.starts_with("'''")) return true;
  const std::string_view name = name_at(line), rest = without_blanks(line.substr(name.size()));
  if (name.empty()) return line.starts_with('(') && line.find(") = ") != line.npos;
  if (name == "async") return looks_like_code(rest);
  if (among(name, {"def", "class"})) {
    const std::string_view after = without_blanks(rest.substr(name_at(rest).size()));
    return !name_at(rest).empty() && after.find_first_of("(:[") == 0;
  }
  if (name == "import") return imports(line);
  if (name == "from") return line.find(" import") != line.npos;
  if (name == "for") return line.find(" in ") != line.npos && has_header(line);
  if (among(name, {"if", "elif", "while", "with"})) return has_header(line);
  if (among(name, {"else", "try", "finally", "except"})) return has_header(line);
  if (among(name, {"pass", "break", "continue"})) return rest.empty() || rest.front() == '#';
  if (among(name, {"return", "raise", "assert", "yield", "del", "global", "nonlocal", "await", "lambda", "not"}))
    return true;
  return assigns_or_calls(name, line);
}

/// Whether a statement at column 0 only demonstrates the function: a print, an assertion or the main block.
inline bool is_demonstration(std::string_view line) {
  return among(name_at(line), {"print", "assert"}) || line.starts_with("if __name__");
}

}  // namespace kvx::inline v0::detail
