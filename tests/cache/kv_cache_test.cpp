#include <kvx/cache/kv_cache.hpp>
#include <kvx/cache/sequence_cache.hpp>

#include <doctest/doctest.h>

#include <memory>
#include <vector>

using namespace kvx;

namespace {
constexpr CacheShape kShape{.layers = 2, .kv_heads = 3, .head_dim = 4, .dtype = Dtype::bf16};

/// A cache with `rows` rows in each head of each layer.
KvCache filled(Index rows) {
  KvCache cache(kShape);
  for (Index l = 0; l < cache.layers(); ++l)
    for (auto& head : cache.layer(l)) {
      head.reserve(rows);
      for (Position p = 0; p < rows; ++p) {
        const float row[] = {static_cast<float>(p), 0, 0, static_cast<float>(l)};
        head.append(p, row, row);
      }
    }
  return cache;
}
}  // namespace

TEST_CASE("a new cache has the given shape and no rows or memory") {
  const KvCache cache(kShape);
  CHECK(cache.layers() == 2);
  REQUIRE(cache.layer(1).size() == 3);
  CHECK(cache.layer(1)[2].dtype() == Dtype::bf16);
  CHECK(cache.layer(1)[2].head_dim() == 4);
  CHECK(cache.rows() == 0);
  CHECK(cache.bytes() == 0);
  CHECK(KvCache().layers() == 0);
}

TEST_CASE("a row costs its key, its value and its position") {
  CHECK(kShape.row_bytes() == 2 * 4 * 2 + 4);
  CHECK(CacheShape{.head_dim = 64, .dtype = Dtype::f32}.row_bytes() == 2 * 64 * 4 + 4);
  const KvCache cache = filled(7);
  CHECK(cache.rows() == 2 * 3 * 7);
  CHECK(cache.bytes() == static_cast<std::size_t>(cache.rows()) * kShape.row_bytes());
}

TEST_CASE("heads and layers can have different numbers of rows") {
  KvCache cache = filled(7);
  cache.layer(0) = compacted(cache.layer(0), std::vector<std::vector<Index>>{{0, 6}, {}, {1, 2, 3, 4, 5}});
  CHECK(cache.layer(0)[0].rows() == 2);
  CHECK(cache.layer(0)[0].positions()[1] == 6);
  CHECK(static_cast<float>(cache.layer(0)[0].keys<BF16>()(1, 0)) == 6.0f);
  CHECK(cache.layer(0)[1].rows() == 0);
  CHECK(cache.layer(0)[2].rows() == 5);
  CHECK(cache.layer(1)[0].rows() == 7);
  CHECK(cache.rows() == 7 + 3 * 7);
  CHECK(cache.bytes() == static_cast<std::size_t>(cache.rows()) * kShape.row_bytes());
}

TEST_CASE("copies of a sequence share the prefix, but not the tail") {
  const auto prefix = std::make_shared<const KvCache>(filled(3));
  SequenceCache first(prefix, kShape, 9);
  SequenceCache second = first;
  const float row[4] = {};
  second.tail.layer(0)[0].append(second.next_position++, row, row);
  CHECK(first.prefix == second.prefix);
  CHECK(first.tail.rows() == 0);
  CHECK(first.next_position == 9);
  CHECK(second.tail.rows() == 1);
  CHECK(second.tail.layer(0)[0].positions()[0] == 9);
  CHECK(prefix->rows() == 2 * 3 * 3);
}
