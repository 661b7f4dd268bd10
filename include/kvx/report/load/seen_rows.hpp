#pragma once

#include <kvx/core/error.hpp>
#include <kvx/eval/records/cell_name.hpp>
#include <kvx/io/number_text.hpp>

#include <map>
#include <string>
#include <tuple>

namespace kvx::inline v0::detail {

/// The rows read so far, from all files with one name. A row may repeat, because two runs on the same samples have the
/// same base.
class SeenRows {
 public:
  /// The value of a column for a model, task and cell.
  struct Field {
    std::string column, model, task;
    CellName cell;
    double value;
  };

  /// Adds the row at `where`, and returns whether it is the first with this field and `name`. Throws Error if an
  /// earlier row with them has another value.
  bool add(const std::string& where, const Field& field, const std::string& name) {
    const auto [place, is_new] =
        values_.try_emplace({field.column, field.model, field.task, field.cell, name}, field.value);
    if (!is_new && six_digits(place->second) != six_digits(field.value))
      throw Error(where, "column " + field.column + ": expected each cell's value once, found " + name + " of " +
                             field.cell.label() + " again, with another value");
    return is_new;
  }

 private:
  std::map<std::tuple<std::string, std::string, std::string, CellName, std::string>, double> values_;
};

}  // namespace kvx::inline v0::detail
