#include <kvx/press/duo_attention.hpp>

#include <doctest/doctest.h>

#include <kvx/press/press.hpp>

#include "support/error_of.hpp"
#include "support/layer.hpp"

using namespace kvx;

namespace {
const std::vector<Index> kAll = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, kEnds = {0, 8, 9};

/// Two layers of two heads. The second head of the first layer has the lowest score, then the first head of the second
/// layer.
DuoAttention scored_heads(std::optional<double> ratio) {
  DuoAttention policy{.ratio = ratio, .sinks = 1, .recent = 2};
  policy.pattern = Matrix<float>(2, 2);
  policy.pattern << 0.9f, 0.1f, 0.2f, 0.8f;
  return policy;
}

Kept kept_by_duo(Index layer, const DuoAttention& policy, const Allowance& allowance) {
  const kvx_test::Layer rows(2, 2, 10, 2);
  PressInput in = rows.input();
  in.layer = layer;
  in.layers = 2;
  return Press<DuoAttention>(allowance, policy).select(in);
}
}  // namespace

TEST_CASE("DuoAttention cuts the heads with the lowest scores in the model to their first and last rows") {
  const Allowance any = Allowance::of_tokens(1);
  CHECK(kept_by_duo(0, scored_heads(0.25), any) == Kept{kAll, kEnds});
  CHECK(kept_by_duo(1, scored_heads(0.25), any) == Kept{kAll, kAll});
  CHECK(kept_by_duo(1, scored_heads(0.5), any) == Kept{kEnds, kAll});
  CHECK(kept_by_duo(1, scored_heads({}), Allowance::of_ratio(0.5)) == Kept{kEnds, kAll});
}

TEST_CASE("DuoAttention needs a ratio, and a score for each head") {
  CHECK(error_of([] { kept_by_duo(0, scored_heads({}), Allowance::of_tokens(3)); }) ==
        "duo_attention: expected a ratio, since whole heads are cut, found a number of rows");
  CHECK(error_of([] { kept_by_duo(0, DuoAttention{.sinks = 1, .recent = 2}, Allowance::of_ratio(0.5)); }) ==
        "duo_attention: head_scores: expected [2, 2], found [0, 0]");
  CHECK(error_of([] { DuoAttention().load({}); }) ==
        "duo_attention: file: expected the path of a file with head_scores, found none");
  CHECK(error_of([] { DuoAttention{.ratio = 1.5}.validate(); }) ==
        "duo_attention: ratio: expected 0 <= ratio <= 1, found 1.500000");
}
