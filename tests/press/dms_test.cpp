#include <kvx/press/dms.hpp>

#include <doctest/doctest.h>
#include <kvx/press/allowance.hpp>
#include <kvx/press/knorm.hpp>
#include <kvx/press/named/registry.hpp>
#include <kvx/press/pyramidkv.hpp>

#include "support/error_of.hpp"
#include "support/first_channel.hpp"

using namespace kvx;
using kvx_test::FirstChannel;
using kvx_test::kept;
using TestedDms = Dms<FirstChannel>;

TEST_CASE("Dms evicts the rows of each head that score below the threshold, except the rows of its window") {
  const auto layer = kvx_test::scored_layer({{1, 5, 2, 1, 1}, {3, 2, 1, 1, 9}});
  for (const double ratio : {0.0, 0.9})
    CHECK(kept(layer, TestedDms{.threshold = 2, .window = 2}, Allowance::of_ratio(ratio)) ==
          Kept{{1, 2, 3, 4}, {0, 1, 3, 4}});
  CHECK(kept(layer, TestedDms{.threshold = 9.5, .window = 0}, Allowance::of_ratio(0)) == Kept{{}, {}});
  CHECK(kept(layer, TestedDms{.threshold = 9.5, .window = 5}, Allowance::of_ratio(0)) == keep_all(2, 5));
  CHECK(kept(layer, TestedDms{.threshold = 9.5, .window = 128}, Allowance::of_ratio(0)) == keep_all(2, 5));
}

TEST_CASE("Dms compares scores with its threshold rounded to float") {
  const auto layer = kvx_test::scored_layer({{0.1f, 0}});  // 0.1f is more than 0.1, and 0.7f less than 0.7
  CHECK(kept(layer, TestedDms{.threshold = 0.1, .window = 0}, Allowance::of_ratio(0)) == Kept{{0}});
  const auto other = kvx_test::scored_layer({{0.7f, 0}});
  CHECK(kept(other, TestedDms{.threshold = 0.7, .window = 0}, Allowance::of_ratio(0)) == Kept{{0}});
}

TEST_CASE("Dms needs a threshold, and wraps only presses that only score") {
  CHECK(error_of([] { TestedDms().validate(); }) == "dms: threshold: expected the lowest score that stays, found none");
  CHECK(error_of([] { TestedDms{.threshold = 0, .window = -1}.validate(); }) ==
        "dms: window: expected 0 or more, found -1");
  CHECK(error_of([] { Dms<PyramidKV>{.threshold = 0}.validate(); }) ==
        "dms: expected a press that only scores, found pyramidkv");
  CHECK(error_of([] { TestedDms{.threshold = 0, .while_decoding = true}.validate(); }) ==
        "dms: expected a press that scores each row independently of the others, as decoding=true requires, found "
        "first_channel");
  CHECK_NOTHROW(Dms<Knorm>{.threshold = 0, .while_decoding = true}.validate());
  CHECK(Hooks(Dms<Knorm>{.threshold = 0, .while_decoding = true}).traits().outermost);
  CHECK(kvx_presses().parse("DMSPress(KnormPress, threshold=-5, sliding_window_size=16, decoding=True)").written() ==
        "dms(knorm, threshold=-5, window=16, decoding=true)");
  CHECK(error_of([] { kvx_presses().parse("dms(knorm, threshold=-5, decoding=true)+int4"); }) ==
        "int4: expected a press that does not evict single rows while answers are decoded, found dms(knorm, "
        "threshold=-5, decoding=true)");
  const Traits found = Hooks(TestedDms()).traits();
  CHECK((found.own_budget && found.ragged));
}
