#pragma once

#include <algorithm>
#include <functional>
#include <type_traits>
#include <utility>
#include <vector>

namespace kvx::inline v0::detail {

struct Always {
  bool operator()(const auto&) const { return true; }
};

}  // namespace kvx::inline v0::detail

namespace kvx::inline v0 {

/// The distinct values get(row) of the rows for which holds(row) is true, in order.
template <class Row, class Get, class If = detail::Always>
std::vector<std::decay_t<std::invoke_result_t<Get, const Row&>>> distinct(const std::vector<Row>& rows, Get get,
                                                                          If holds = {}) {
  std::vector<std::decay_t<std::invoke_result_t<Get, const Row&>>> found;
  for (const Row& row : rows) {
    if (!std::invoke(holds, row)) continue;
    auto value = std::invoke(get, row);
    if (std::find(found.begin(), found.end(), value) == found.end()) found.push_back(std::move(value));
  }
  return found;
}

}  // namespace kvx::inline v0
