#include <kvx/kernels/key_bias.hpp>

#include "support/random_floats.hpp"

#include <doctest/doctest.h>
#include <kvx/core/tensor_view.hpp>

#include <cmath>
#include <vector>

using namespace kvx;

TEST_CASE("a bias is added as RoPE would have rotated it, and taken away to nothing") {
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
    add_key_bias({bias, inv_freq}, positions, 3, keys.data());
    CHECK((keys - expected).cwiseAbs().maxCoeff() <= 2e-5f);
    add_key_bias({bias, inv_freq}, positions, -3, keys.data());
    CHECK((keys.array() - 1).abs().maxCoeff() <= 1e-6f);
    add_key_bias({}, positions, 1, keys.data());
    CHECK((keys.array() - 1).abs().maxCoeff() <= 1e-6f);
  }
}
