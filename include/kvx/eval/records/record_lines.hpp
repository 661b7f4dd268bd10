#pragma once

#include <kvx/core/error.hpp>
#include <kvx/io/json/jsonl.hpp>

#include <cstddef>
#include <fstream>
#include <string>
#include <string_view>

namespace kvx::inline v0 {

/// Calls f(row, bytes) for each line of the records.jsonl `path`, with its size in bytes. An incomplete last line,
/// which a run has not finished writing, is left out. Throws Error if the file cannot be read, if a line is not a JSON
/// object, and if an incomplete line does not begin as a record does.
template <class F>
void each_record_line(const std::string& path, F&& f) {
  std::ifstream lines(path, std::ios::binary);
  if (!lines) throw Error(path, "cannot open");
  std::size_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    const std::string where = path + ": line " + std::to_string(++number);
    if (lines.eof()) {
      constexpr std::string_view kStart = "{\"key\":\"";
      if (!line.starts_with(kStart) && !kStart.starts_with(line))
        throw Error(where, "expected a record, found " + detail::shortened(line, 60));
      break;
    }
    f(JsonlRow(line, where), line.size() + 1);
  }
  if (lines.bad()) throw Error(path, "cannot read");
}

}  // namespace kvx::inline v0
