#include <kvx/press/per_layer.hpp>

#include <doctest/doctest.h>

#include <kvx/press/knorm.hpp>
#include <kvx/press/press.hpp>
#include <kvx/press/rerotate.hpp>
#include <kvx/press/simlayerkv.hpp>
#include <kvx/press/snapkv.hpp>

#include "support/error_of.hpp"
#include "support/layer.hpp"

using namespace kvx;

namespace {
const auto layer = kvx_test::Layer::random(2, 2, 20, 4, 1);

PressInput input(Index number, const Needs& needs = {}) {
  PressInput in = layer.input(needs);
  in.layer = number;
  in.layers = 3;
  return in;
}
}  // namespace

TEST_CASE("PerLayer gives each layer its own ratio, whatever the budget is") {
  const PerLayer<Knorm> policy{{}, {0.5, 0, 0.9}};
  const double ratios[] = {0.5, 0, 0.9};
  for (Index l = 0; l < 3; ++l)
    for (const double given_ratio : {0.0, 0.25}) {
      const auto layer_ratio = Allowance::of_ratio(ratios[l]);
      CHECK(Press<PerLayer<Knorm>>(given_ratio, policy).select(input(l)) == select(Knorm(), input(l), layer_ratio));
      CHECK(policy.rows(input(l), {given_ratio, 20}) == 2 * layer_ratio.resolve(input(l)).keep);
    }
}

TEST_CASE("PerLayer does not score a layer with the ratio 0") {
  const PerLayer<SnapKV> policy{{.window = 32}, {0, 0.5, 0}};
  const Press<PerLayer<SnapKV>> press(0.5, policy);
  CHECK(press.select(input(0, press.needs())) == keep_all(2, 20));
  CHECK_THROWS_AS(press.select(input(1, press.needs())), NotApplicable);
}

TEST_CASE("PerLayer needs a ratio for each layer, and a press that uses it") {
  CHECK(error_of([] {
          Press<PerLayer<Knorm>>(0.5, {{}, {0.5, 0.5}}).select(input(0));
        }) == "per_layer: ratios: expected 3, one for each layer, found 2");
  CHECK(error_of([] {
          PerLayer<Knorm>{{}, {0.5, 1}}.validate();
        }) == "per_layer: ratios: expected 0 <= ratio < 1, found 1.000000");
  CHECK(error_of([] { PerLayer<SimLayerKV>().validate(); }) ==
        "per_layer: expected a press that uses the budget and does not rewrite rows, found simlayerkv");
  CHECK(error_of([] { PerLayer<Rerotate<Knorm>>().validate(); }) ==
        "per_layer: expected a press that uses the budget and does not rewrite rows, found rerotate");
}
