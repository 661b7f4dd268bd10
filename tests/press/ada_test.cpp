#include <kvx/press/ada.hpp>

#include <doctest/doctest.h>
#include <kvx/press/allowance.hpp>
#include <kvx/press/any_policy.hpp>
#include <kvx/press/pyramidkv.hpp>
#include <kvx/press/select.hpp>

#include "support/error_of.hpp"
#include "support/first_channel.hpp"

using namespace kvx;
using kvx_test::FirstChannel;
using kvx_test::kept;
using TestedAda = Ada<FirstChannel>;

TEST_CASE("Ada keeps the best rows of all heads, but a share of the budget in each head") {
  const auto layer = kvx_test::scored_layer({{9, 8, 7, 6}, {1, 2, 3, 5}});
  const auto two = Allowance::of_tokens(2);
  CHECK(kept(layer, TestedAda{.alpha = 0}, two) == Kept{{0, 1, 2, 3}, {}});
  CHECK(kept(layer, TestedAda{.alpha = 0.2}, two) == Kept{{0, 1, 2}, {3}});
  CHECK(kept(layer, TestedAda{.alpha = 0.5}, two) == Kept{{0, 1, 2}, {3}});
  CHECK(kept(layer, TestedAda{.alpha = 1}, two) == Kept{{0, 1}, {2, 3}});
  CHECK(Hooks(TestedAda()).rows(layer.input(), two.resolve(layer.input())) == 4);
}

TEST_CASE("Ada uses the scores of the wrapped press, and keeps the newer row if scores are equal") {
  const auto layer = kvx_test::scored_layer({{1, 2, 2}, {2, 1, 2}});
  Matrix<float> scores(2, 3);
  Hooks(TestedAda()).score(layer.input(), {}, view(scores));
  CHECK(scores == Matrix<float>{{1, 2, 2}, {2, 1, 2}});
  CHECK(kept(layer, TestedAda{.alpha = 0}, Allowance::of_tokens(1)) == Kept{{2}, {2}});
  const auto equal = kvx_test::scored_layer({{2, 2, 2, 2}, {2, 2, 2, 2}});
  CHECK(kept(equal, TestedAda{.alpha = 0}, Allowance::of_tokens(2)) == Kept{{2, 3}, {2, 3}});
  CHECK(Hooks(TestedAda()).traits().ragged);
}

TEST_CASE("Ada wraps only presses that only score, and alpha is between 0 and 1") {
  CHECK(error_of([] { TestedAda{.alpha = 1.5}.validate(); }) == "ada: alpha: expected 0 <= alpha <= 1, found 1.500000");
  CHECK(error_of([] { Ada<PyramidKV>().validate(); }) == "ada: expected a press that only scores, found pyramidkv");
  CHECK(error_of([] { Ada<AnyPolicy>{AnyPolicy(PyramidKV{.window = 8})}.validate(); }) ==
        "ada: expected a press that only scores, found pyramidkv(window=8)");
  CHECK_NOTHROW(Ada<AnyPolicy>{AnyPolicy(FirstChannel())}.validate());
}
