#pragma once

#include <kvx/core/error.hpp>
#include <kvx/io/json/json.hpp>
#include <kvx/io/json/json_tree.hpp>
#include <kvx/io/json/json_tree_parse.hpp>
#include <kvx/io/text_file.hpp>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace kvx::inline v0 {

/// One line of a JSONL file: a JSON object, whose members are called columns.
class JsonlRow {
 public:
  JsonlRow(std::string_view line, std::string where) : where_(std::move(where)) {
    auto row = parse_json(line);
    if (!row || row->object() == nullptr)
      throw Error(where_,
                  "expected a JSON object, found " + (row ? std::string(row->type()) : detail::shortened(line, 60)));
    row_ = std::move(*row);
    line_ = line;
  }

  /// The place of the line for errors, "FILE: line N". Lines are counted from 1.
  const std::string& where() const { return where_; }

  /// A column; nullptr if it is missing.
  const JsonTree* find(const std::string& column) const { return row_.find(column); }
  /// A column; throws Error if it is missing.
  const JsonTree& at(const std::string& column) const {
    if (const JsonTree* value = find(column)) return *value;
    throw Error(where_, "missing column " + column);
  }
  bool has_all(std::initializer_list<const char*> columns) const {
    return std::ranges::all_of(columns, [&](const char* column) { return find(column) != nullptr; });
  }
  /// The names of all columns, with commas between them.
  std::string columns() const {
    std::string names;
    for (const JsonMember& member : *row_.object()) names += (names.empty() ? "" : ", ") + member.name;
    return names;
  }
  /// A column as JSON, with the members of objects in the order of the line.
  std::string json(const std::string& column) const {
    return simdjson::minify(JsonDocument::parse(line_, where_).root().at(column).element());
  }
  const std::string& string(const std::string& column) const {
    const JsonTree& value = at(column);
    if (value.string() == nullptr)
      throw Error(where_, "column " + column + ": expected a string, found " + std::string(value.type()));
    return *value.string();
  }
  /// A column with a whole number of at least 1; throws Error for any other value.
  int count(const std::string& column) const {
    const JsonTree& value = at(column);
    const std::string found = value.number() != nullptr ? value.number()->digits() : std::string(value.type());
    int result = 0;
    const auto [end, code] = std::from_chars(found.data(), found.data() + found.size(), result);
    if (value.number() == nullptr || code != std::errc() || end != found.data() + found.size() || result < 1)
      throw Error(where_, "column " + column + ": expected a whole number from 1 to 2147483647, found " +
                              detail::shortened(found, 40));
    return result;
  }

 private:
  std::string where_, line_;
  JsonTree row_;
};

/// `text` without the byte order mark that some programs write at the beginning of UTF-8 files.
inline std::string_view without_byte_order_mark(std::string_view text) {
  constexpr std::string_view kMark = "\xEF\xBB\xBF";
  return text.substr(text.starts_with(kMark) ? kMark.size() : 0);
}

/// Calls f(JsonlRow) for each line of `text`, the contents of the JSONL file `path`; blank lines are skipped.
/// Throws Error if there is no other line, or if a line is not an object.
template <class F>
void each_jsonl_row(const std::string& path, std::string_view text, F&& f) {
  text = without_byte_order_mark(text);
  std::size_t number = 0;
  bool any = false;
  for (std::size_t pos = 0; pos < text.size();) {
    const std::size_t end = std::min(text.find('\n', pos), text.size());
    const std::string_view line = text.substr(pos, end - pos);
    pos = end + 1;
    ++number;
    if (line.find_first_not_of(" \t\r") == line.npos) continue;
    f(JsonlRow(line, path + ": line " + std::to_string(number)));
    any = true;
  }
  if (!any) throw Error(path, "expected JSON lines, found an empty file");
}
/// The same for a file, plain or gzip.
template <class F>
void each_jsonl_row(const std::string& path, F&& f) {
  each_jsonl_row(path, read_text_file(path), f);
}

}  // namespace kvx::inline v0
