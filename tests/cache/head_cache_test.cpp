#include <kvx/cache/head_cache.hpp>

#include <doctest/doctest.h>

#include <type_traits>
#include <utility>
#include <vector>

using namespace kvx;

namespace {
/// Rows r = 0, 1, ... at position 10 r: key {r, r + 0.5}, value {-r, 100}.
HeadCache counted(Dtype dtype, int rows) {
  HeadCache cache(dtype, 2);
  cache.reserve(rows);
  for (int r = 0; r < rows; ++r) {
    const float x = static_cast<float>(r), key[] = {x, x + 0.5f}, value[] = {-x, 100};
    cache.append(10 * r, key, value);
  }
  return cache;
}

template <class T>
void check_rows(const HeadCache& cache, const std::vector<int>& rows) {
  REQUIRE(cache.rows() == static_cast<Index>(rows.size()));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto r = static_cast<Index>(i);
    const auto x = static_cast<float>(rows[i]);
    CHECK(cache.positions()[i] == 10 * rows[i]);
    CHECK(static_cast<float>(cache.keys<T>()(r, 0)) == x);
    CHECK(static_cast<float>(cache.keys<T>()(r, 1)) == x + 0.5f);
    CHECK(static_cast<float>(cache.values<T>()(r, 0)) == -x);
    CHECK(static_cast<float>(cache.values<T>()(r, 1)) == 100);
  }
}
}  // namespace

TEST_CASE("rows come back in the order in which they were added") {
  check_rows<float>(counted(Dtype::f32, 5), {0, 1, 2, 3, 4});
  check_rows<BF16>(counted(Dtype::bf16, 5), {0, 1, 2, 3, 4});
  CHECK(HeadCache(Dtype::f32, 2).rows() == 0);
}

TEST_CASE("reserved room is all that is allocated: key, value and position of each row") {
  CHECK(HeadCache(Dtype::f32, 2).bytes() == 0);
  CHECK(counted(Dtype::f32, 5).bytes() == 5 * (2 * 2 * 4 + 4));
  CHECK(counted(Dtype::bf16, 5).bytes() == 5 * (2 * 2 * 2 + 4));
}

TEST_CASE("bytes counts room that rows do not use yet") {
  HeadCache cache(Dtype::f32, 2);
  cache.reserve(7);
  CHECK(cache.rows() == 0);
  CHECK(cache.bytes() == 7 * (2 * 2 * 4 + 4));
}

TEST_CASE("a compacted copy holds the kept rows with their positions, at its exact size") {
  for (const Dtype dtype : {Dtype::f32, Dtype::bf16}) {
    const HeadCache cache = counted(dtype, 6);
    const HeadCache small = cache.compacted(std::vector<Index>{1, 2, 5});
    const std::vector<int> kept = {1, 2, 5}, all = {0, 1, 2, 3, 4, 5};
    dtype == Dtype::f32 ? check_rows<float>(small, kept) : check_rows<BF16>(small, kept);
    dtype == Dtype::f32 ? check_rows<float>(cache, all) : check_rows<BF16>(cache, all);
    CHECK(small.bytes() * 2 == cache.bytes());
    CHECK(small.dtype() == dtype);
    CHECK(small.head_dim() == 2);
    CHECK(cache.compacted({}).bytes() == 0);
  }
}

TEST_CASE("a bf16 cache rounds to the nearest") {
  HeadCache cache(Dtype::bf16, 2);
  const float key[] = {1.0f + 0x1p-8f, 1.0f + 0x3p-8f}, value[] = {3.14159265f, -0x1p-130f};
  cache.append(0, key, value);
  CHECK(static_cast<float>(cache.keys<BF16>()(0, 0)) == 1.0f);
  CHECK(static_cast<float>(cache.keys<BF16>()(0, 1)) == 1.0f + 0x2p-7f);
  CHECK(static_cast<float>(cache.values<BF16>()(0, 0)) == 3.140625f);
  CHECK(static_cast<float>(cache.values<BF16>()(0, 1)) == -0x1p-130f);
}

TEST_CASE("visit hands over views of the cache's own type") {
  for (const Dtype dtype : {Dtype::f32, Dtype::bf16})
    counted(dtype, 3).visit([&](const auto& keys, const auto& values) {
      using T = typename std::decay_t<decltype(keys)>::Scalar;
      CHECK(dtype_of<T> == dtype);
      CHECK(static_cast<float>(keys(2, 1)) == 2.5f);
      CHECK(static_cast<float>(values(2, 0)) == -2.0f);
    });
}

TEST_CASE("an edit is in place, and a copy is apart") {
  HeadCache cache = counted(Dtype::f32, 2);
  const HeadCache copy = cache;
  cache.keys<float>()(1, 0) = 42;
  cache.values<float>()(1, 0) = 43;
  CHECK(std::as_const(cache).keys<float>()(1, 0) == 42);
  CHECK(std::as_const(cache).values<float>()(1, 0) == 43);
  check_rows<float>(copy, {0, 1});
}
