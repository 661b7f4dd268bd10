#include <kvx/core/top_k.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <vector>

#include "support/random_floats.hpp"

using kvx::Index;
using kvx::top_k;
using Rows = std::vector<Index>;
using Floats = std::vector<float>;

TEST_CASE("the indices of the largest scores are returned in ascending order") {
  CHECK(top_k(Floats{1, 5, 2, 4, 3}, 3) == Rows{1, 3, 4});
  CHECK(top_k(Floats{-1, -INFINITY, INFINITY, -2}, 2) == Rows{0, 2});
}

TEST_CASE("of equal scores, the one with the higher index is taken") {
  CHECK(top_k(Floats{7, 7, 9, 7, 7}, 3) == Rows{2, 3, 4});
  CHECK(top_k(Floats{-0.0f, 0.0f, -0.0f}, 1) == Rows{2});
  Rows last(100);
  std::iota(last.begin(), last.end(), Index{4900});
  CHECK(top_k(Floats(5000, 1.0f), 100) == last);
}

TEST_CASE("NaN counts as the lowest score") {
  CHECK(top_k(Floats{NAN, 1, NAN, -1}, 2) == Rows{1, 3});
  CHECK(top_k(Floats{-INFINITY, NAN, 3}, 2) == Rows{1, 2});  // NaN counts as -INFINITY
}

TEST_CASE("a negative count takes no scores, and one above the size takes all") {
  CHECK(top_k(Floats{1, 2}, -1).empty());
  CHECK(top_k(Floats{1, 2}, 0).empty());
  CHECK(top_k(Floats{1, 2}, 9) == Rows{0, 1});
  CHECK(top_k(Floats{}, 1).empty());
}

TEST_CASE("the result is the end of a stable sort, even with many equal scores") {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Floats scores = kvx_test::random_floats(500, seed);
    for (float& score : scores) score = std::round(score * 10);
    Rows order(scores.size());
    std::iota(order.begin(), order.end(), Index{0});
    std::stable_sort(order.begin(), order.end(), [&](Index a, Index b) {
      return scores[static_cast<std::size_t>(a)] < scores[static_cast<std::size_t>(b)];
    });
    const auto count = static_cast<Index>(25 * seed);
    Rows best(order.end() - count, order.end());
    std::sort(best.begin(), best.end());
    CHECK(top_k(scores, count) == best);
  }
}
