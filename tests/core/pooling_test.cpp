#include <kvx/core/pooling.hpp>

#include <doctest/doctest.h>

#include <vector>

using Floats = std::vector<float>;

namespace {
Floats pooled(Floats row, int kernel) {
  kvx::average_pool(row, kernel);
  return row;
}
}  // namespace

TEST_CASE("each element becomes the mean of the elements around it, with zeros beyond the edges") {
  CHECK(pooled({1, 2, 3, 4, 5}, 3) == Floats{1, 2, 3, 4, 3});
  CHECK(pooled({10, 0, 0, 0, 20}, 5) == Floats{2, 2, 6, 4, 4});
}

TEST_CASE("a kernel of one changes nothing") { CHECK(pooled({3, 1, 4}, 1) == Floats{3, 1, 4}); }

TEST_CASE("a kernel may be wider than the row") {
  CHECK(pooled({9}, 3) == Floats{3});
  CHECK(pooled({7, 14}, 7) == Floats{3, 3});
  CHECK(pooled({}, 5).empty());
}
