#pragma once

#include <kvx/eval/records/cell_name.hpp>
#include <kvx/io/json/json_writer.hpp>

#include <string_view>

namespace kvx::inline v0 {

/// Writes a cell as members of an object: `press`, the ratio under the name `ratio`, `budget` and `query_aware`.
inline void write_cell(const CellName& cell, JsonWriter& out, std::string_view ratio = "compression_ratio") {
  out.key("press").value(cell.press).key(ratio).value(cell.ratio);
  out.key("budget").value(cell.budget).key("query_aware").value(cell.query_aware);
}

}  // namespace kvx::inline v0
