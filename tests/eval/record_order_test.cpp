#include <kvx/eval/records/record_order.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

using namespace kvx;

TEST_CASE("Records are sorted by model, task and cell in the order of the command, then by index; others come last") {
  const RecordOrder order{{"m2", "m1"}, {"t2", "t1"}, {{"none", 0}, {"b", 0.5}, {"b", 0.25}, {"a", 0.5}}};
  const std::vector<Record> sorted = {
      {"", "m2", "t2", "none", 0, 3}, {"", "m2", "t2", "b", 0.5, 2},  {"", "m2", "t2", "b", 0.5, 10},
      {"", "m2", "t2", "b", 0.25, 0}, {"", "m2", "t2", "a", 0.5, 0},  {"", "m2", "t2", "a", 0.75, 0},
      {"", "m2", "t2", "c", 0.1, 0},  {"", "m2", "t1", "none", 0, 0}, {"", "m2", "t0", "none", 0, 0},
      {"", "m1", "t2", "none", 0, 0}, {"", "m0", "t2", "none", 0, 0}, {"", "m3", "t2", "none", 0, 0}};
  for (std::size_t i = 0; i < sorted.size(); ++i)
    for (std::size_t j = 0; j < sorted.size(); ++j) {
      INFO(i << " before " << j);
      CHECK(order(sorted[i], sorted[j]) == (i < j));
    }
}
