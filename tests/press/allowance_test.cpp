#include <kvx/press/allowance.hpp>

#include <kvx/cache/kv_cache.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include "support/error_of.hpp"
#include "support/layer.hpp"

using namespace kvx;

namespace {
Index keep_of(const Allowance& allowance, Index tokens) {
  return allowance.resolve(kvx_test::Layer(1, 1, tokens, 2).input()).keep;
}

/// The bytes of a cache of in.layers layers with `keep` rows per head.
std::size_t cache_bytes(const PressInput& in, Index keep) {
  KvCache cache({in.layers, in.kv_heads(), in.head_dim(), in.dtype});
  const std::vector<float> row(static_cast<std::size_t>(in.head_dim()));
  for (Index l = 0; l < cache.layers(); ++l)
    for (auto& head : cache.layer(l)) {
      head.reserve(keep);
      for (Position p = 0; p < keep; ++p) head.append(p, row.data(), row.data());
    }
  return cache.bytes();
}
}  // namespace

TEST_CASE("the rows that a ratio leaves are counted in double, rounded down, and at least one") {
  CHECK(kept_rows(100, 0.9) == 9);  // 1 - 0.9 is a little below 0.1
  CHECK(kept_rows(100, 0.5) == 50);
  CHECK(kept_rows(7, 0.5) == 3);
  CHECK(kept_rows(10, 0.99) == 1);
  CHECK(kept_rows(10, 1) == 0);
  CHECK(keep_of(Allowance::of_ratio(0), 10) == 10);
  CHECK(keep_of(Allowance::of_ratio(0.75), 10) == 2);
  const Budget budget = Allowance::of_ratio(0.75).resolve(kvx_test::Layer(1, 1, 10, 2).input());
  CHECK(budget.ratio == 0.75);
}

TEST_CASE("an allowance in tokens keeps this number of rows, or all rows if there are fewer") {
  CHECK(keep_of(Allowance::of_tokens(3), 10) == 3);
  CHECK(keep_of(Allowance::of_tokens(10), 10) == 10);
  CHECK(keep_of(Allowance::of_tokens(99), 10) == 10);
  CHECK(Allowance::of_tokens(3).resolve(kvx_test::Layer(1, 1, 12, 2).input()).ratio == 0.75);
  CHECK(Allowance::of_tokens(99).resolve(kvx_test::Layer(1, 1, 12, 2).input()).ratio == 0);
}

TEST_CASE("an allowance in bytes keeps as many rows as fit into the bytes, and not one more") {
  const kvx_test::Layer layer(4, 2, 50, 6);
  for (const Dtype dtype : {Dtype::f32, Dtype::bf16}) {
    PressInput in = layer.input();
    in.layers = 3;
    in.dtype = dtype;
    for (const std::size_t bytes : {600u, 1234u, 4999u, 5000u}) {
      const Index keep = Allowance::of_bytes(bytes).resolve(in).keep;
      CHECK(keep >= 1);
      CHECK(keep < in.tokens());
      CHECK(cache_bytes(in, keep) <= bytes);
      CHECK(cache_bytes(in, keep + 1) > bytes);
    }
    CHECK(Allowance::of_bytes(cache_bytes(in, 7)).resolve(in).keep == 7);
    CHECK(Allowance::of_bytes(cache_bytes(in, 7) - 1).resolve(in).keep == 6);
    CHECK(Allowance::of_bytes(std::numeric_limits<std::size_t>::max()).resolve(in).keep == in.tokens());
  }
}

TEST_CASE("an allowance that leaves no row is an error") {
  for (const double ratio : {-0.1, 1.0, 2.0, static_cast<double>(NAN)})
    CHECK(error_of([&] { Allowance::of_ratio(ratio); }).starts_with("ratio: expected 0 <= ratio < 1, found "));
  CHECK(error_of([] { Allowance::of_tokens(0); }) == "keep: expected 1 token or more, found 0");
  const kvx_test::Layer layer(2, 2, 5, 4);
  CHECK(error_of([&] { Allowance::of_bytes(71).resolve(layer.input()); }) ==
        "kv-bytes: expected at least 72 for one row per layer and head, found 71");
  CHECK(Allowance::of_bytes(72).resolve(layer.input()).keep == 1);
}
