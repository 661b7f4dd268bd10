#include <kvx/kernels/rms_norm.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

using Floats = std::vector<float>;

namespace {
Floats normed(Floats row, const Floats& weight, double eps) {
  kvx::rms_norm(weight, row.data(), eps, row.data());
  return row;
}
}  // namespace

TEST_CASE("a row is divided by its root mean square and scaled by the weight, in place too") {
  CHECK(normed({2, -2, 2, -2}, {1, 1, 3, 0.5f}, 0) == Floats{1, -1, 3, -0.5f});
  CHECK(normed({1, 7}, {5, 5}, 0) == Floats{1, 7});  // the mean of 1 and 49 is 25
}

TEST_CASE("eps is added to the mean of squares") {
  CHECK(normed({1, 1}, {1, 1}, 3) == Floats{0.5f, 0.5f});
  CHECK(normed({0, 0}, {1, 1}, 1e-6) == Floats{0, 0});
}

TEST_CASE("squares beyond the range of float do not overflow") {
  CHECK(normed({1e30f, -1e30f}, {1, 1}, 1e-6) == Floats{1, -1});
}
