#include <kvx/press/protect.hpp>

#include <doctest/doctest.h>

#include <kvx/press/knorm.hpp>
#include <kvx/press/press.hpp>
#include <kvx/press/simlayerkv.hpp>

#include "support/error_of.hpp"
#include "support/layer.hpp"

using namespace kvx;

namespace {
/// Of a layer whose keys grow, so that Knorm keeps the first.
Kept kept(const Protect<Knorm>& policy, Index keep) {
  kvx_test::Layer layer(1, 1, 8, 2);
  for (Index t = 0; t < 8; ++t) *layer.row(layer.keys, 0, t) = static_cast<float>(t + 1);
  return Press<Protect<Knorm>>(Allowance::of_tokens(keep), policy).select(layer.input());
}
}  // namespace

TEST_CASE("Protect keeps its tokens, and of the others those that score best") {
  CHECK(kept({}, 3) == Kept{{0, 1, 2}});
  CHECK(kept({.span = TokenSpan{5, 7}}, 3) == Kept{{0, 5, 6}});
  CHECK(kept({.first = 1, .span = TokenSpan{5, 7}}, 4) == Kept{{0, 1, 5, 6}});
  CHECK(kept({.first = 1, .span = TokenSpan{6, 8}}, 3) == Kept{{0, 6, 7}});
}

TEST_CASE("a token that is protected twice counts once") {
  CHECK(kept({.first = 3, .span = TokenSpan{2, 5}}, 5) == Kept{{0, 1, 2, 3, 4}});
  CHECK(kept({.first = 3, .span = TokenSpan{1, 2}}, 3) == Kept{{0, 1, 2}});
  CHECK(kept({.first = 7, .span = TokenSpan{1, 2}}, 7) == Kept{{0, 1, 2, 3, 4, 5, 6}});
}

TEST_CASE("what is protected has to fit into the budget and the context") {
  CHECK_THROWS_AS(kept({.first = 3, .span = TokenSpan{2, 5}}, 4), NotApplicable);
  CHECK(error_of([] {
          kept({.first = 1, .span = TokenSpan{5, 7}}, 2);
        }) == "protect: a budget of 2 rows has no room for its 3 protected ones");
  CHECK_THROWS_AS(kept({.span = TokenSpan{5, 9}}, 6), NotApplicable);
  CHECK(error_of([] { kept({.first = 9}, 7); }) ==
        "protect: a context of 8 tokens ends before the last of its 9 protected ones");
}

TEST_CASE("Protect checks its tokens, and wraps a press that only scores") {
  CHECK(error_of([] { Protect<Knorm>{.first = -1}.validate(); }) == "protect: first: expected 0 or more, found -1");
  CHECK(error_of([] {
          Protect<Knorm>{.span = TokenSpan{4, 4}}.validate();
        }) == "protect: span: expected 0 <= first < last, found 4:4");
  CHECK(error_of([] { Protect<SimLayerKV>().validate(); }) ==
        "protect: expected a press that only scores, found simlayerkv");
  CHECK(traits(Protect<Knorm>()).only_scores());
}
