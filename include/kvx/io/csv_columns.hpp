#pragma once

#include <kvx/core/error.hpp>
#include <kvx/io/csv.hpp>
#include <kvx/io/csv_field.hpp>
#include <kvx/io/json/json.hpp>
#include <kvx/io/number_text.hpp>

#include <cmath>
#include <concepts>
#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

namespace detail {

inline std::string csv_text(const std::string& text) { return csv_field(text); }
inline std::string csv_text(double number) { return csv_field(number); }
inline std::string csv_text(bool flag) { return flag ? "true" : "false"; }
inline std::string csv_text(std::integral auto count) { return std::to_string(count); }

inline void read_csv(std::string& text, const CsvTable& csv, std::size_t row, std::string_view column) {
  text = csv.text(row, column);
}
inline void read_csv(double& number, const CsvTable& csv, std::size_t row, std::string_view column) {
  number = csv.number(row, column);
}
inline void read_csv(bool& flag, const CsvTable& csv, std::size_t row, std::string_view column) {
  flag = csv.flag(row, column);
}
void read_csv(std::integral auto& count, const CsvTable& csv, std::size_t row, std::string_view column) {
  count = static_cast<std::remove_reference_t<decltype(count)>>(csv.count(row, column));
}

/// The field at the end of a path of members: `row.*first.*second` and so on.
auto& field_at(auto& row) { return row; }
auto& field_at(auto& row, const auto& first, const auto&... rest) { return field_at(std::invoke(first, row), rest...); }

}  // namespace detail

/// The columns of a CSV table, from left to right. They write its rows and read them.
template <class Row>
class CsvColumns {
 public:
  /// A function that throws Error if a field of the row has an invalid value.
  using Check = std::function<void(const CsvTable&, std::size_t row)>;

  /// Adds a column for a field: a text, a number (NaN is an empty field), a count, or true or false. `path` leads from
  /// a row to the field: pointers to members, or functions that return references.
  template <class... Path>
  CsvColumns& add(const std::string& name, Path... path) {
    return add_as(
        name, [](const auto& value) { return detail::csv_text(value); }, path...);
  }

  /// Adds a column for a number that is written with six significant digits.
  template <class... Path>
  CsvColumns& add_six_digits(const std::string& name, Path... path) {
    return add_as(
        name, [](double value) { return std::isnan(value) ? std::string() : six_digits(value); }, path...);
  }

  /// Adds a column for a field with one of the `values`, which written() turns into text.
  template <class Value, class... Path>
  CsvColumns& add_word(const std::string& name, const std::vector<Value>& values, Path... path) {
    columns_.push_back(
        {name, [=](const Row& row) { return csv_field(written(detail::field_at(row, path...))); },
         [=](Row& row, const CsvTable& csv, std::size_t index) {
           const std::string& found = csv.text(index, name);
           std::string words;
           for (std::size_t i = 0; i < values.size(); ++i) {
             if (found == written(values[i])) return void(detail::field_at(row, path...) = values[i]);
             words.append(i == 0 ? "" : i + 1 < values.size() ? ", " : " or ").append(written(values[i]));
           }
           throw Error(csv.where(index),
                       "column " + name + ": expected " + words + ", found " + detail::shortened(found, 40));
         }});
    return *this;
  }

  /// Lets files lack the column that was added last, such as files of an earlier version. Its field is then unchanged.
  CsvColumns& may_lack() {
    columns_.back().may_lack = true;
    return *this;
  }

  /// Calls `check` for each row that is read.
  CsvColumns& check(Check check) {
    checks_.push_back(std::move(check));
    return *this;
  }

  /// The text of the file, with a line of column names.
  std::string text(std::span<const Row> rows) const {
    std::string text;
    for (const Column& column : columns_) text.append(text.empty() ? "" : ",").append(csv_field(column.name));
    for (const Row& row : rows)
      for (std::size_t c = 0; c < columns_.size(); ++c) text.append(c == 0 ? "\n" : ",").append(columns_[c].write(row));
    return text + "\n";
  }

  /// Reads the rows of a file and ignores other columns. Throws Error, naming file, line and column, for a missing
  /// column or a field of another type.
  std::vector<Row> rows(const CsvTable& csv) const {
    const auto is_read = [&](const Column& column) { return !column.may_lack || csv.has(column.name); };
    for (const Column& column : columns_)
      if (is_read(column)) csv.require(column.name);
    std::vector<Row> rows(csv.rows());
    for (std::size_t index = 0; index < rows.size(); ++index) {
      for (const Check& check : checks_) check(csv, index);
      for (const Column& column : columns_)
        if (is_read(column)) column.read(rows[index], csv, index);
    }
    return rows;
  }

 private:
  template <class Write, class... Path>
  CsvColumns& add_as(const std::string& name, Write write, Path... path) {
    columns_.push_back({name, [=](const Row& row) { return write(detail::field_at(row, path...)); },
                        [=](Row& row, const CsvTable& csv, std::size_t index) {
                          detail::read_csv(detail::field_at(row, path...), csv, index, name);
                        }});
    return *this;
  }

  struct Column {
    std::string name;
    std::function<std::string(const Row&)> write;
    std::function<void(Row&, const CsvTable&, std::size_t index)> read;
    bool may_lack = false;
  };
  std::vector<Column> columns_;
  std::vector<Check> checks_;
};

}  // namespace kvx::inline v0
