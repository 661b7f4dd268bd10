#include <kvx/kernels/row_kernels.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <cstddef>
#include <vector>

#include "support/random_floats.hpp"

using namespace kvx;
using kvx_test::random_floats;
using Floats = std::vector<float>;

namespace {
Floats normed(Isa path, Floats row, const Floats& weight, double eps) {
  row_kernels(path).rms_norm(row.data(), weight.data(), static_cast<Index>(row.size()), eps, row.data());
  return row;
}
}  // namespace

TEST_CASE("a row is divided by its root mean square and scaled by the weight") {
  for (const Isa path : available_isas()) {
    CHECK(normed(path, {2, -2, 2, -2}, {1, 1, 3, 0.5f}, 0) == Floats{1, -1, 3, -0.5f});
    CHECK(normed(path, {1, 7}, {5, 5}, 0) == Floats{1, 7});  // the mean of 1 and 49 is 25
  }
}

TEST_CASE("on every path, a norm is within three roundings of the exact one, in place or not") {
  for (const Isa path : available_isas())
    for (std::size_t count = 1; count <= 80; ++count) {
      const auto row = random_floats(count, count), weight = random_floats(count, 100 + count);
      double squares = 0;
      for (const float x : row) squares += double{x} * double{x};
      const double rms = std::sqrt(squares / static_cast<double>(count) + 1e-3);
      constexpr float kUntouched = 12345;
      Floats to(count + 1, kUntouched);
      row_kernels(path).rms_norm(row.data(), weight.data(), static_cast<Index>(count), 1e-3, to.data());
      bool near = true;
      for (std::size_t i = 0; i < count; ++i) {
        const double exact = double{row[i]} * double{weight[i]} / rms;
        near &= std::abs(double{to[i]} - exact) <= 3.0001 * 0x1p-24 * std::abs(exact);
      }
      CAPTURE(name_of(path));
      CAPTURE(count);
      CHECK(near);
      CHECK(to.back() == kUntouched);
      to.pop_back();
      CHECK(normed(path, row, weight, 1e-3) == to);
    }
}

TEST_CASE("eps is added to the mean of squares") {
  for (const Isa path : available_isas()) {
    CHECK(normed(path, {1, 1}, {1, 1}, 3) == Floats{0.5f, 0.5f});
    CHECK(normed(path, {0, 0}, {1, 1}, 1e-6) == Floats{0, 0});
  }
}

TEST_CASE("squares beyond the range of float do not overflow") {
  for (const Isa path : available_isas()) CHECK(normed(path, {1e30f, -1e30f}, {1, 1}, 1e-6) == Floats{1, -1});
}
