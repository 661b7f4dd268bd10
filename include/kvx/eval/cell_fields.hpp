#pragma once

#include <kvx/eval/cell_name.hpp>
#include <kvx/io/csv_field.hpp>
#include <kvx/io/json_writer.hpp>

#include <string>
#include <string_view>

namespace kvx::inline v0 {

/// The columns of a CSV file that name a cell.
inline constexpr std::string_view kCellColumns = "press,compression_ratio,budget,query_aware";

/// A cell's fields of these columns.
inline std::string cell_fields(const CellName& cell) {
  return csv_field(cell.press) + "," + csv_field(cell.ratio) + "," + csv_field(cell.budget) + "," +
         (cell.query_aware ? "true" : "false");
}

/// Writes the same as members of an object; `ratio` is the name of the ratio's.
inline void write_cell(const CellName& cell, JsonWriter& out, std::string_view ratio = "compression_ratio") {
  out.key("press").value(cell.press).key(ratio).value(cell.ratio);
  out.key("budget").value(cell.budget).key("query_aware").value(cell.query_aware);
}

}  // namespace kvx::inline v0
