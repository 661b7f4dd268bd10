#include <kvx/kernels/key_bias.hpp>

#include "support/random_floats.hpp"
#include "support/rounding.hpp"

#include <doctest/doctest.h>
#include <kvx/core/tensor_view.hpp>

#include <cmath>
#include <vector>

using namespace kvx;
using kvx_test::kRotatedUnits;
using kvx_test::rounding_error;

TEST_CASE("a bias is added as RoPE rotates it, and can be subtracted again") {
  for (const Index dim : {2, 10, 64}) {
    const auto bias = kvx_test::random_floats(static_cast<std::size_t>(dim), 1);
    const auto inv_freq = rope_inv_freq(dim, 1e6);
    const std::vector<Position> positions = {0, 1, 2, 77, 32767};
    const RopeTable rope(inv_freq, positions);
    Matrix<float> keys = Matrix<float>::Ones(5, dim), expected = keys;
    for (Index t = 0; t < 5; ++t) {
      Matrix<float> rotated = view(bias.data(), 1, dim, dim);
      rope.rotate(t, rotated.data());
      expected.row(t) += 3 * rotated;
    }
    // Pairs of channels are within [-1, 1], so three times the rotated ones are within 6, and sums with 1 within 7.
    constexpr double kPair = 2, kBias = 3 * kPair, kSum = 1 + kBias;
    const auto largest = [](const auto& difference) { return double{difference.abs().maxCoeff()}; };
    const double rotation_error = rounding_error(kRotatedUnits, kBias), sum_error = rounding_error(1, kBias + kSum);
    add_key_bias({bias, inv_freq}, positions, 3, keys.data());
    CHECK(largest(keys.array() - expected.array()) <= rotation_error + 2 * sum_error);
    add_key_bias({bias, inv_freq}, positions, -3, keys.data());
    CHECK(largest(keys.array() - 1) <= 2 * sum_error);
    const Matrix<float> before = keys;
    add_key_bias({}, positions, 1, keys.data());
    CHECK(keys == before);
  }
}
