#pragma once

#include <kvx/core/error.hpp>
#include <kvx/eval/cell_name.hpp>
#include <kvx/io/csv.hpp>
#include <kvx/io/number_text.hpp>
#include <kvx/press/written.hpp>

#include <cmath>
#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <tuple>

namespace kvx::inline v0 {

namespace detail {

/// The cell of a row.
inline CellName csv_cell(const CsvTable& csv, std::size_t row) {
  const double ratio = csv.number(row, "compression_ratio");
  if (!(ratio >= 0 && ratio <= 1))
    throw Error(csv.where(row),
                "column compression_ratio: expected 0 to 1, found '" + csv.text(row, "compression_ratio") + "'");
  const std::string& query_aware = csv.text(row, "query_aware");
  if (query_aware != "true" && query_aware != "false")
    throw Error(csv.where(row), "column query_aware: expected true or false, found '" + query_aware + "'");
  try {
    (void)parse_written(csv.text(row, "press"));
  } catch (const Error& error) {
    throw Error(csv.where(row), std::string("column press: ") + error.what());
  }
  return {csv.text(row, "press"), ratio, csv.text(row, "budget"), query_aware == "true"};
}

inline std::size_t csv_count(const CsvTable& csv, std::size_t row, std::string_view column) {
  const double number = csv.number(row, column);
  if (!(number >= 0 && number == std::floor(number) && number < 1e15))
    throw Error(csv.where(row), std::string("column ").append(column) + ": expected a whole number, found '" +
                                    csv.text(row, column) + "'");
  return static_cast<std::size_t>(number);
}

/// What files of one name have told: two runs of the same samples have the same base.
class SeenRows {
 public:
  /// Whether the row is the first of its model, task, cell and `name`; `value` is the column that it tells. Throws
  /// Error when an earlier one has told another.
  bool add(const CsvTable& csv, std::size_t row, std::string_view value, std::string name) {
    const CellName cell = csv_cell(csv, row);
    const auto [place, is_new] = values_.try_emplace(
        {std::string(value), csv.text(row, "model"), csv.text(row, "task"), cell, name}, csv.number(row, value));
    if (!is_new && six_digits(place->second) != six_digits(csv.number(row, value)))
      throw Error(csv.where(row), std::string("column ").append(value) + ": expected each cell's value once, found " +
                                      name + " of " + cell.label() + " again, with another value");
    return is_new;
  }

 private:
  std::map<std::tuple<std::string, std::string, std::string, CellName, std::string>, double> values_;
};

}  // namespace detail

}  // namespace kvx::inline v0
