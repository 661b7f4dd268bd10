#include <kvx/kernels/rope.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <complex>
#include <cstddef>
#include <numeric>
#include <vector>

#include "support/random_floats.hpp"

using namespace kvx;
using Floats = std::vector<float>;

namespace {
constexpr Index kDim = 10;
constexpr double kRotationTolerance = 1e-5;

Floats rotated(Floats row, Position position) {
  const Position positions[] = {position};
  RopeTable(rope_inv_freq(kDim, 10000), positions).rotate(0, row.data());
  return row;
}

double dot(const Floats& a, const Floats& b) { return std::inner_product(a.begin(), a.end(), b.begin(), 0.0); }
}  // namespace

TEST_CASE("the frequencies fall from 1 by powers of theta") {
  CHECK(rope_inv_freq(4, 10000) == Floats{1, 0.01f});
  CHECK(rope_inv_freq(8, 16) == Floats{1, 0.5f, 0.25f, 0.125f});
}

TEST_CASE("position 0 is the identity") {
  const auto row = kvx_test::random_floats(kDim, 1);
  CHECK(rotated(row, 0) == row);
}

TEST_CASE("channel i turns against channel i + head_dim / 2, as a complex number does") {
  const auto row = kvx_test::random_floats(kDim, 2), inv_freq = rope_inv_freq(kDim, 10000);
  for (const Position position : {1, 7, 300}) {
    const auto turned = rotated(row, position);
    for (std::size_t i = 0; i < kDim / 2; ++i) {
      const std::complex<double> z(double{row[i]}, double{row[i + kDim / 2]});
      const auto expected = z * std::polar(1.0, position * double{inv_freq[i]});
      CHECK(std::abs(double{turned[i]} - expected.real()) < kRotationTolerance);
      CHECK(std::abs(double{turned[i + kDim / 2]} - expected.imag()) < kRotationTolerance);
    }
  }
}

TEST_CASE("a rotation keeps the norm") {
  const auto row = kvx_test::random_floats(kDim, 3), turned = rotated(row, 12345);
  CHECK(std::abs(dot(turned, turned) - dot(row, row)) < kRotationTolerance);
}

TEST_CASE("the product of a query and a key depends on their distance alone") {
  const auto query = kvx_test::random_floats(kDim, 4), key = kvx_test::random_floats(kDim, 5);
  const double at_start = dot(rotated(query, 17), rotated(key, 5));
  CHECK(std::abs(dot(rotated(query, 112), rotated(key, 100)) - at_start) < kRotationTolerance);
  CHECK(std::abs(dot(rotated(query, 113), rotated(key, 100)) - at_start) > 0.01);
}

TEST_CASE("a table is indexed by the place in its list of positions") {
  const Position positions[] = {5, 2, 9};
  const RopeTable table(rope_inv_freq(kDim, 10000), positions);
  const auto row = kvx_test::random_floats(kDim, 6);
  for (Index i = 0; i < 3; ++i) {
    Floats turned = row;
    table.rotate(i, turned.data());
    CHECK(turned == rotated(row, positions[i]));
  }
}
