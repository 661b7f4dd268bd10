#pragma once

#include <kvx/core/error.hpp>
#include <kvx/io/json/json.hpp>
#include <kvx/io/text_file.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace kvx::inline v0 {

/// A CSV file (RFC 4180) with a header line. A field is found by its row, counted from 0, and the name of its column.
class CsvTable {
 public:
  static CsvTable load(const std::string& path) { return CsvTable(read_text_file(path), path); }
  /// Parses `text`; errors name it as `where`. Throws Error, naming the line, for malformed text.
  CsvTable(std::string_view text, const std::string& where)
      : where_(where + ": line "), header_(detail::shortened(text.substr(0, text.find_first_of("\r\n")), 200)) {
    for (std::size_t pos = 0, line = 1; pos < text.size();) {
      lines_.push_back(where_ + std::to_string(line));
      auto& row = rows_.emplace_back();
      while (take_field(text, pos, line, row.emplace_back())) continue;
      if (row.size() != rows_.front().size())
        throw Error(lines_.back(), "expected " + std::to_string(rows_.front().size()) + " fields, found " +
                                       std::to_string(row.size()));
    }
    if (rows_.empty()) throw Error(where, "expected a line with the names of columns, found an empty file");
  }

  std::size_t rows() const { return rows_.size() - 1; }
  bool has(std::string_view column) const { return find(column) < rows_.front().size(); }

  /// The place of a row for errors, "FILE: line N". Lines are counted from 1.
  const std::string& where(std::size_t row) const { return lines_[row + 1]; }
  /// Throws Error if the file does not have the column.
  void require(std::string_view column) const {
    if (!has(column))
      throw Error(lines_.front(), std::string("expected a column ").append(column) + ", found " + header_);
  }
  /// The text of a field. Throws Error if the column is missing.
  const std::string& text(std::size_t row, std::string_view column) const {
    require(column);
    return rows_[row + 1][find(column)];
  }
  /// The number in a field; NaN if it is empty. Throws Error if it is not a finite number.
  double number(std::size_t row, std::string_view column) const {
    const std::string& field = text(row, column);
    const char* const end = field.data() + field.size();
    double value = NAN;
    if (!field.empty() && (std::from_chars(field.data(), end, value).ptr != end || !std::isfinite(value)))
      fail(row, column, "a number");
    return value;
  }
  /// Throws Error unless the field is a whole number of at least 0.
  std::size_t count(std::size_t row, std::string_view column) const {
    const double value = number(row, column);
    if (!(value >= 0 && value == std::floor(value) && value < 1e15)) fail(row, column, "a whole number");
    return static_cast<std::size_t>(value);
  }
  /// Throws Error unless the field is `true` or `false`.
  bool flag(std::size_t row, std::string_view column) const {
    const std::string& field = text(row, column);
    if (field != "true" && field != "false") fail(row, column, "true or false");
    return field == "true";
  }
  /// Throws Error for a field with an invalid value; `expected` describes the valid values.
  [[noreturn]] void fail(std::size_t row, std::string_view column, const std::string& expected) const {
    throw Error(where(row), std::string("column ").append(column) + ": expected " + expected + ", found '" +
                                detail::shortened(text(row, column), 40) + "'");
  }

 private:
  /// Reads the field at `pos` and moves `pos` behind the comma or end of line that closes it. Returns false after an
  /// end of line.
  bool take_field(std::string_view text, std::size_t& pos, std::size_t& line, std::string& field) const {
    const auto fail = [&](const char* what) { throw Error(where_ + std::to_string(line), what); };
    const auto next = [&] { return pos < text.size() ? text[pos] : '\n'; };
    if (next() == '"') {
      for (++pos; next() != '"' || (++pos, next() == '"'); field += text[pos++]) {
        if (pos >= text.size()) fail("expected a closing quote, found the end of the file");
        line += text[pos] == '\n';
      }
    } else {
      while (next() != ',' && next() != '"' && next() != '\n' && next() != '\r') field += text[pos++];
    }
    pos += next() == '\r';
    if (next() != ',' && next() != '\n') fail("expected quotes around a whole field");
    line += next() == '\n';
    return ++pos <= text.size() && text[pos - 1] == ',';
  }

  std::size_t find(std::string_view column) const {
    const std::vector<std::string>& header = rows_.front();
    return static_cast<std::size_t>(std::find(header.begin(), header.end(), column) - header.begin());
  }

  std::string where_, header_;  // the header line is shortened for errors
  std::vector<std::string> lines_;
  std::vector<std::vector<std::string>> rows_;  // the first is the header
};

}  // namespace kvx::inline v0
