#include <kvx/press/chunk.hpp>

#include <doctest/doctest.h>
#include <kvx/kernels/rope.hpp>
#include <kvx/press/allowance.hpp>
#include <kvx/press/leverage.hpp>
#include <kvx/press/observed_attention.hpp>
#include <kvx/press/protect.hpp>
#include <kvx/press/pyramidkv.hpp>
#include <kvx/press/select.hpp>
#include <kvx/press/snapkv.hpp>

#include "support/error_of.hpp"
#include "support/first_channel.hpp"
#include "support/one_hot.hpp"

#include <string_view>
#include <vector>

using namespace kvx;
using kvx_test::FirstChannel;
using kvx_test::kept;

namespace {
/// Scores a row by the sum of all its inputs except the key: value, query and key before RoPE, and one of the last
/// queries.
struct Everything {
  static constexpr std::string_view name = "everything";
  Needs needs() const { return {.queries = 2, .pre_rope_queries = true, .pre_rope_keys = true}; }
  void score(const PressInput& in, const Budget&, Scores out) const {
    for (Index h = 0; h < out.rows(); ++h)
      for (Index j = 0; j < out.cols(); ++j)
        out(h, j) = in.values.row(h, j)[0] + in.pre_rope_queries.row(2 * h + 1, j)[0] + in.pre_rope_keys.row(h, j)[0] +
                    in.queries.row(2 * h + 1, j % in.queries.tokens())[0];
  }
};
}  // namespace

TEST_CASE("Chunk keeps the same share of each chunk") {
  const auto layer = kvx_test::scored_layer({{9, 8, 7, 6, 1, 2, 3, 4, 0}, {1, 2, 3, 4, 4, 3, 2, 1, 0}});
  const Chunk<FirstChannel> policy{.length = 4};
  CHECK(kept(layer, policy, Allowance::of_ratio(0.5)) == Kept{{0, 1, 6, 7, 8}, {2, 3, 4, 5, 8}});
  CHECK(kept(layer, policy, Allowance::of_ratio(0.4)) == Kept{{0, 1, 6, 7, 8}, {2, 3, 4, 5, 8}});
  const PressInput in = layer.input();
  CHECK(policy.rows(in, Allowance::of_ratio(0.9).resolve(in)) == 2 * 3);  // at least one row of each chunk
}

TEST_CASE("Chunk does not evict a protected row, and throws if its chunk may keep no row") {
  const auto layer = kvx_test::scored_layer({{8, 7, 6, 5, 4, 3, 2, 1}});
  const auto protecting = [](TokenSpan tokens) { return Chunk<Protect<FirstChannel>>{{.spans = {{"", tokens}}}, 2}; };
  CHECK(kept(layer, protecting({7, 8}), Allowance::of_tokens(2)) == Kept{{2, 7}});
  CHECK(error_of([&] {
          kept(layer, protecting({0, 1}), Allowance::of_tokens(2));
        }) == "chunk: a budget of 2 rows has no room for its 1 protected rows");
}

TEST_CASE("Chunk passes one chunk at a time to the wrapped press") {
  auto layer = kvx_test::one_hot_layer(1, 1, 9);
  for (const Index t : {2, 5, 8}) kvx_test::point(layer, layer.pre_rope_queries, 0, t, t - 1);
  const Chunk<SnapKV> policy{{.window = 1, .kernel = 1}, 3};
  CHECK(kept(layer, policy, Allowance::of_ratio(0.3)) == Kept{{1, 2, 4, 5, 7, 8}});
  CHECK_THROWS_AS(kept(layer, Chunk<SnapKV>{{.window = 1}, 4}, Allowance::of_ratio(0.3)), NotApplicable);
}

TEST_CASE("Chunk cuts all inputs into chunks, and rotates a chunk's queries to the last positions of the context") {
  auto layer = kvx_test::Layer::random(4, 2, 7, 8, 1);
  const Chunk<Everything> policy{.length = 4};
  Matrix<float> found(2, 7);
  policy.score(layer.input(policy.needs()), {}, view(found));
  const std::vector<Position> last = {5, 6};
  const RopeTable rope(layer.inv_freq, last);
  for (Index h = 0; h < 2; ++h)
    for (Index j = 0; j < 7; ++j) {
      const Index first = j < 4 ? 0 : 4, count = j < 4 ? 4 : 3, query_index = (j - first) % 2, head = 2 * h + 1;
      const float* const unrotated = layer.row(layer.pre_rope_queries, head, first + count - 2 + query_index);
      std::vector<float> query(unrotated, unrotated + 8);
      rope.rotate(query_index, query.data());
      CHECK(found(h, j) ==
            doctest::Approx(layer.row(layer.values, h, j)[0] + query[0] +
                            layer.row(layer.pre_rope_queries, head, j)[0] + layer.row(layer.pre_rope_keys, h, j)[0]));
    }
}

TEST_CASE("Chunk wraps only presses that only score and can do so from a part of the rows") {
  CHECK(error_of([] { Chunk<SnapKV>{.length = 0}.validate(); }) == "chunk: length: expected 1 or more, found 0");
  CHECK(error_of([] { Chunk<PyramidKV>().validate(); }) == "chunk: expected a press that only scores, found pyramidkv");
  CHECK(error_of([] { Chunk<ObservedAttention>().validate(); }) ==
        "chunk: expected a press that does not need the attention of all queries, found observed_attention");
  CHECK(Chunk<SnapKV>().needs().pre_rope_queries);
  CHECK(Chunk<SnapKV>().needs().queries == 0);
  CHECK(Chunk<LeverageScore>().needs().pre_rope_keys);
}
