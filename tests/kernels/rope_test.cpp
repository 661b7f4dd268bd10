#include <kvx/kernels/rope.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <complex>
#include <cstddef>
#include <vector>

#include "support/random_floats.hpp"
#include "support/rounding.hpp"

using namespace kvx;
using Floats = std::vector<float>;

namespace {
constexpr Index kDim = 10;

/// The largest error of channel i and its partner after the rotation to `position`, relative to the sum of their
/// magnitudes. The angle is rounded once, sine and cosine are within an ulp, which is two units, and a product and a
/// sum follow.
double rotation_error(Position position, std::size_t i) {
  const double angle = position * double{rope_inv_freq(kDim, 10000)[i]};
  return kvx_test::rounding_error(1, angle + 4);
}

Floats rotated(Floats row, Position position) {
  const Position positions[] = {position};
  RopeTable(rope_inv_freq(kDim, 10000), positions).rotate(0, row.data());
  return row;
}

double dot(const Floats& a, const Floats& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += double{a[i]} * double{b[i]};
  return sum;
}
}  // namespace

TEST_CASE("the frequencies are falling powers of theta, beginning with 1") {
  CHECK(rope_inv_freq(4, 10000) == Floats{1, 0.01f});
  CHECK(rope_inv_freq(8, 16) == Floats{1, 0.5f, 0.25f, 0.125f});
}

TEST_CASE("position 0 is the identity") {
  const auto row = kvx_test::random_floats(kDim, 1);
  CHECK(rotated(row, 0) == row);
}

TEST_CASE("channels i and i + head_dim / 2 are rotated like a complex number") {
  const auto row = kvx_test::random_floats(kDim, 2), inv_freq = rope_inv_freq(kDim, 10000);
  for (const Position position : {1, 7, 300}) {
    const auto rotated_row = rotated(row, position);
    for (std::size_t i = 0; i < kDim / 2; ++i) {
      const std::complex<double> z(double{row[i]}, double{row[i + kDim / 2]});
      const auto expected = z * std::polar(1.0, position * double{inv_freq[i]});
      const double error = rotation_error(position, i) * (std::abs(z.real()) + std::abs(z.imag()));
      CHECK(std::abs(double{rotated_row[i]} - expected.real()) <= error);
      CHECK(std::abs(double{rotated_row[i + kDim / 2]} - expected.imag()) <= error);
    }
  }
}

TEST_CASE("a rotation does not change the norm") {
  const auto row = kvx_test::random_floats(kDim, 3), rotated_row = rotated(row, 12345);
  // For any angle, the error of a channel is at most 4 units of |a| + |b|. That of its square is twice as large, and
  // for both channels (|a| + |b|)^2 <= 2 (a^2 + b^2).
  CHECK(std::abs(dot(rotated_row, rotated_row) - dot(row, row)) <= kvx_test::rounding_error(2 * 4 * 2, dot(row, row)));
}

TEST_CASE("the product of a query and a key depends only on their distance") {
  const auto query = kvx_test::random_floats(kDim, 4), key = kvx_test::random_floats(kDim, 5);
  const auto product = [&](Position query_position, Position key_position) {
    return dot(rotated(query, query_position), rotated(key, key_position));
  };
  const auto error = [&](Position query_position, Position key_position) {
    double sum = 0;
    for (std::size_t i = 0; i < kDim / 2; ++i)
      sum += (rotation_error(query_position, i) + rotation_error(key_position, i)) *
             (std::abs(query[i]) + std::abs(query[i + kDim / 2])) * (std::abs(key[i]) + std::abs(key[i + kDim / 2]));
    return 2 * sum;
  };
  CHECK(std::abs(product(112, 100) - product(17, 5)) <= error(112, 100) + error(17, 5));
  CHECK(std::abs(product(113, 100) - product(17, 5)) > 100 * error(113, 100));
}

TEST_CASE("a table is indexed by the index in its list of positions") {
  const Position positions[] = {5, 2, 9};
  const RopeTable table(rope_inv_freq(kDim, 10000), positions);
  const auto row = kvx_test::random_floats(kDim, 6);
  for (Index i = 0; i < 3; ++i) {
    Floats rotated_row = row;
    table.rotate(i, rotated_row.data());
    CHECK(rotated_row == rotated(row, positions[i]));
  }
}
