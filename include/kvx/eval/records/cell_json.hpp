#pragma once

#include <kvx/eval/records/cell_name.hpp>
#include <kvx/io/json/json_writer.hpp>

#include <string_view>

namespace kvx::inline v0 {

/// Writes a cell as members of an object: `press`, its ratio under the key `ratio_key`, `budget` and `query_aware`.
inline void write_cell(const CellName& cell, JsonWriter& out, std::string_view ratio_key = "compression_ratio") {
  out.key("press").value(cell.press).key(ratio_key).value(cell.ratio);
  out.key("budget").value(cell.budget).key("query_aware").value(cell.query_aware);
}

}  // namespace kvx::inline v0
