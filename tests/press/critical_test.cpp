#include <kvx/press/critical.hpp>

#include <doctest/doctest.h>
#include <kvx/press/allowance.hpp>
#include <kvx/press/pyramidkv.hpp>

#include "support/error_of.hpp"
#include "support/first_channel.hpp"

#include <limits>
#include <vector>

using namespace kvx;
using kvx_test::FirstChannel;
using kvx_test::kept;
using TestedCritical = Critical<FirstChannel>;

namespace {
/// A layer with the values (0, 1), (0, 2), ... and an output projection that multiplies their L1 norms by 2, the mean
/// over two query heads of 1 and 3.
kvx_test::Layer weighted_layer(const std::vector<std::vector<float>>& scores) {
  auto layer = kvx_test::scored_layer(scores, 2);
  for (Index h = 0; h < layer.kv_heads; ++h) {
    for (Index t = 0; t < layer.tokens; ++t) layer.row(layer.values, h, t)[1] = static_cast<float>(t + 1);
    layer.output(0, 4 * h + 1) = -1;
    layer.output(0, 4 * h + 3) = 2;
    layer.output(1, 4 * h + 3) = -1;
  }
  return layer;
}
Matrix<float> scores(const kvx_test::Layer& layer, const TestedCritical& policy, double ratio) {
  Matrix<float> out(layer.kv_heads, layer.tokens);
  const PressInput in = layer.input(policy.needs());
  policy.score(in, Allowance::of_ratio(ratio).resolve(in), view(out));
  return out;
}
}  // namespace

TEST_CASE("Critical multiplies a score by the L1 norm of W_O v, averaged over the query heads") {
  const auto layer = weighted_layer({{1, 1, 3, 0}, {0, 2, 0, 1}});
  const auto found = scores(layer, {.epsilon = 0.5, .first = 0}, 0.5);
  const Matrix<float> expected{{1.5f * 2, 1.5f * 4, 3.5f * 6, 0.5f * 8}, {0.5f * 2, 2.5f * 4, 0.5f * 6, 1.5f * 8}};
  CHECK(found.isApprox(expected, 1e-6f));
}

TEST_CASE("Critical keeps the best rows by the plain scores first") {
  const auto layer = weighted_layer({{4, 3.4f, 3, 2.9f, 1, 1, 1, 1}});
  const float best = std::numeric_limits<float>::max();
  const auto found = scores(layer, {.epsilon = 0}, 0.5);  // half of four rows
  CHECK(found(0, 0) == best);
  CHECK(found(0, 1) == best);
  CHECK(found(0, 2) == doctest::Approx(3 * 6));
  CHECK(found(0, 7) == doctest::Approx(1 * 16));
  CHECK(kept(layer, TestedCritical{.epsilon = 0}, Allowance::of_ratio(0.5)) == Kept{{0, 1, 2, 3}});
  CHECK(kept(layer, TestedCritical{.epsilon = 0, .first = 0}, Allowance::of_ratio(0.5)) == Kept{{2, 3, 6, 7}});
  CHECK((scores(layer, {.first = 0.01}, 0.9).array() == best).count() == 1);
}

TEST_CASE("Critical computes its number of first rows before the number of kept rows is rounded down") {
  const auto layer = weighted_layer({std::vector<float>(29, 1.0f)});
  const float best = std::numeric_limits<float>::max();
  CHECK((scores(layer, {.first = 0.7}, 0.5).array() == best).count() == 10);  // 0.7 of 14.5, not of 14
}

TEST_CASE("Critical wraps only presses that only score, and needs the output projection") {
  CHECK(error_of([] { TestedCritical{.first = -1}.validate(); }) ==
        "critical: first: expected 0 <= first <= 1, found -1.000000");
  CHECK(error_of([] { TestedCritical{.epsilon = -1}.validate(); }) ==
        "critical: epsilon: expected 0 or more, found -1.000000");
  CHECK(error_of([] { Critical<PyramidKV>().validate(); }) ==
        "critical: expected a press that only scores, found pyramidkv");
  CHECK(TestedCritical().needs().output_projection);
  CHECK(Hooks(TestedCritical()).traits().scores_by_budget);
}
