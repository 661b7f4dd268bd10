#include <kvx/cache/head_cache.hpp>

#include "support/random_floats.hpp"
#include "support/rounding.hpp"

#include <doctest/doctest.h>
#include <kvx/cache/kv_cache.hpp>

#include <algorithm>
#include <cstddef>
#include <map>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

using namespace kvx;

namespace {
/// A cache of rows r = 0, 1, ... at position 10 r with key {r, r + 0.5} and value {-r, 100}.
HeadCache numbered(Dtype dtype, int rows) {
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
  check_rows<float>(numbered(Dtype::f32, 5), {0, 1, 2, 3, 4});
  check_rows<BF16>(numbered(Dtype::bf16, 5), {0, 1, 2, 3, 4});
  CHECK(HeadCache(Dtype::f32, 2).rows() == 0);
}

TEST_CASE("only the reserved memory is allocated: key, value and position of each row") {
  CHECK(HeadCache(Dtype::f32, 2).bytes() == 0);
  CHECK(numbered(Dtype::f32, 5).bytes() == 5 * (2 * 2 * 4 + 4));
  CHECK(numbered(Dtype::bf16, 5).bytes() == 5 * (2 * 2 * 2 + 4));
}

TEST_CASE("bytes counts reserved memory that no row uses yet") {
  HeadCache cache(Dtype::f32, 2);
  cache.reserve(7);
  CHECK(cache.rows() == 0);
  CHECK(cache.bytes() == 7 * (2 * 2 * 4 + 4));
}

TEST_CASE("a compacted copy holds the kept rows with their positions, at its exact size") {
  for (const Dtype dtype : {Dtype::f32, Dtype::bf16}) {
    const HeadCache cache = numbered(dtype, 6);
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

TEST_CASE("a bf16 cache rounds to the nearest value") {
  HeadCache cache(Dtype::bf16, 2);
  const float key[] = {1.0f + 0x1p-8f, 1.0f + 0x3p-8f}, value[] = {3.14159265f, -0x1p-130f};
  cache.append(0, key, value);
  CHECK(static_cast<float>(cache.keys<BF16>()(0, 0)) == 1.0f);
  CHECK(static_cast<float>(cache.keys<BF16>()(0, 1)) == 1.0f + 0x2p-7f);
  CHECK(static_cast<float>(cache.values<BF16>()(0, 0)) == 3.140625f);
  CHECK(static_cast<float>(cache.values<BF16>()(0, 1)) == -0x1p-130f);
}

TEST_CASE("visit calls its function with views of the cache's type") {
  for (const Dtype dtype : {Dtype::f32, Dtype::bf16})
    numbered(dtype, 3).visit([&](const auto& keys, const auto& values) {
      using T = typename std::decay_t<decltype(keys)>::Scalar;
      CHECK(dtype_of<T> == dtype);
      CHECK(static_cast<float>(keys(2, 1)) == 2.5f);
      CHECK(static_cast<float>(values(2, 0)) == -2.0f);
    });
}

TEST_CASE("writing to a view changes the cache, but no copy of it") {
  HeadCache cache = numbered(Dtype::f32, 2);
  const HeadCache copy = cache;
  cache.keys<float>()(1, 0) = 42;
  cache.values<float>()(1, 0) = 43;
  CHECK(std::as_const(cache).keys<float>()(1, 0) == 42);
  CHECK(std::as_const(cache).values<float>()(1, 0) == 43);
  check_rows<float>(copy, {0, 1});
}

namespace {
using Axis = Quantization::Axis;

constexpr CacheQuantization quantization_with(Axis keys) { return {{keys, 8, 16}, {Axis::per_token, 8, 16}, 32}; }

/// A cache of random rows of 16 channels in [-1, 1), at every third position. A bias, rotated to the position, is added
/// to each key.
struct Filled {
  explicit Filled(Index rows, float bias_factor = 0)
      : inv_freq(rope_inv_freq(16, 1e4)), bias(16), keys(rows, 16), values(rows, 16) {
    const auto random = kvx_test::random_floats(static_cast<std::size_t>(32 * rows + 16), 4);
    for (std::size_t d = 0; d < 16; ++d) bias[d] = bias_factor * random[d];
    for (Index j = 0; j < rows; ++j) {
      const auto position = static_cast<Position>(3 * j);
      Matrix<float> rotated = view(std::as_const(bias).data(), 1, 16, 16);
      RopeTable(inv_freq, {&position, 1}).rotate(0, rotated.data());
      keys.row(j) = view(&random[static_cast<std::size_t>(16 + 32 * j)], 1, 16, 16) + rotated;
      values.row(j) = view(&random[static_cast<std::size_t>(32 + 32 * j)], 1, 16, 16);
      cache.append(position, keys.row(j).data(), values.row(j).data());
    }
  }
  KeyBias key_bias() const { return {bias, inv_freq}; }
  /// The largest difference of the cache's keys and values from those that were added.
  std::pair<double, double> errors() const {
    Matrix<float> found_keys(keys.rows(), 16), found_values(keys.rows(), 16);
    cache.copy_to(found_keys.data(), found_values.data());
    return {double{(found_keys - keys).cwiseAbs().maxCoeff()}, double{(found_values - values).cwiseAbs().maxCoeff()}};
  }
  Index quantized_keys() const { return cache.quantized_keys() == nullptr ? 0 : cache.quantized_keys()->rows(); }
  Index quantized_values() const { return cache.quantized_values() == nullptr ? 0 : cache.quantized_values()->rows(); }

  std::vector<float> inv_freq, bias;
  Matrix<float> keys, values;
  HeadCache cache{Dtype::f32, 16};
};
/// Half of one of 255 steps between -1 and 1, whose size is rounded to F16; and 8 roundings of float, when the number
/// of steps and the dequantized element are computed.
constexpr double kHalfStep = 1.0 / 255 * (1 + 0x1p-11) + 8 * kvx_test::kUnitRoundoff;
/// The same for keys that are stored without a bias whose pairs of channels are up to 300 and 300. A group's range
/// grows by the difference between the bias as the cache rotates it and as the test does. The sum of a key and the bias
/// is rounded three times: in the test, before quantization and after it.
constexpr double kPairOfBias = 600;
constexpr double kHalfStepWithBias =
    kHalfStep + kvx_test::kUnitRoundoff * kPairOfBias * (kvx_test::kRotatedUnits / 255 + 3 * 1.01);
}  // namespace

TEST_CASE("keys per channel are quantized in complete blocks, values and keys per token except for the last rows") {
  for (const auto& [rows, blocks, rest] :
       {std::tuple<Index, Index, Index>{31, 0, 0}, {32, 32, 0}, {33, 32, 1}, {100, 96, 68}})
    for (const Axis axis : {Axis::per_channel, Axis::per_token}) {
      Filled filled(rows);
      filled.cache.quantize(quantization_with(axis));
      CHECK(filled.quantized_keys() == (axis == Axis::per_channel ? blocks : rest));
      CHECK(filled.quantized_values() == rest);
      CHECK(filled.cache.rows() == rows);
      CHECK(filled.errors().first <= kHalfStep);
      CHECK(filled.errors().second <= kHalfStep);
      // The quantized rows are removed from the others, and a second call finds nothing to quantize.
      CHECK(filled.cache.keys<float>().rows() == rows - filled.quantized_keys());
      const std::size_t bytes = filled.cache.bytes();
      filled.cache.quantize(quantization_with(axis));
      CHECK(filled.cache.bytes() == bytes);
    }
}

TEST_CASE("a bias of any size is subtracted before keys are quantized, and added when they are read") {
  for (const Axis axis : {Axis::per_channel, Axis::per_token}) {
    Filled with(100, 300), without(100, 300);
    with.cache.quantize(quantization_with(axis), with.key_bias());
    without.cache.quantize(quantization_with(axis));
    CHECK(with.errors().first <= kHalfStepWithBias);
    CHECK(with.errors().second <= kHalfStep);
    CHECK(without.errors().first > 0.1);
    HeadCache grown(Dtype::f32, 16);  // row by row, quantizing the rows that are due
    for (Index j = 0; j < 100; ++j) {
      grown.append(static_cast<Position>(3 * j), with.keys.row(j).data(), with.values.row(j).data());
      if (j >= 40) grown.quantize(quantization_with(axis), with.key_bias());
    }
    std::swap(with.cache, grown);
    CHECK(with.quantized_keys() == (axis == Axis::per_channel ? 96 : 68));
    CHECK(with.errors().first <= kHalfStepWithBias);
    CHECK(with.errors().second <= kHalfStep);
  }
}

TEST_CASE("a cache is split into quantized rows, without unused memory, and the rest") {
  for (const Axis axis : {Axis::per_channel, Axis::per_token}) {
    Filled filled(100, 300);
    const HeadCache rest = filled.cache.split(quantization_with(axis), filled.key_bias(), 64);
    CHECK(rest.rows() == 36);
    CHECK(rest.positions()[0] == 3 * 64);
    CHECK(rest.keys<float>() == filled.keys.bottomRows(36));
    CHECK(rest.bytes() == 36 * (2 * 16 * 4 + 4));
    CHECK(filled.cache.rows() == 64);
    CHECK(filled.cache.bytes() ==
          QuantizedRows::bytes(QuantizedRows::Content::keys, quantization_with(axis).keys, 16, 64) +
              QuantizedRows::bytes(QuantizedRows::Content::values, quantization_with(axis).values, 16, 64) +
              64 * sizeof(Position));
    filled.keys.conservativeResize(64, 16);
    filled.values.conservativeResize(64, 16);
    CHECK(filled.errors().first <= kHalfStepWithBias);
  }
}

TEST_CASE("memory grows with the rows, in blocks, and is freed when rows are quantized") {
  constexpr std::size_t row = 2 * 16 * sizeof(float) + sizeof(Position), block = kCacheBlock * row;
  constexpr CacheShape shape{.head_dim = 16, .dtype = Dtype::f32};
  for (const Index filled_before : {0, 1500}) {
    HeadCache cache(Dtype::f32, 16);
    const std::vector<float> ones(16, 1.0f);
    cache.reserve(filled_before);
    for (Index j = 0; j < filled_before + 300; ++j) {
      cache.append(static_cast<Position>(j), ones.data(), ones.data());
      CHECK(cache.bytes() <= static_cast<std::size_t>(std::max(cache.rows(), filled_before)) * row + block);
    }
    cache.shrink_to_fit();
    CHECK(cache.bytes() == static_cast<std::size_t>(cache.rows()) * row);
  }
  for (const Axis axis : {Axis::per_channel, Axis::per_token}) {
    Filled at_once(1500);
    at_once.cache.quantize(quantization_with(axis));
    CHECK(at_once.cache.bytes() <= quantized_bytes(quantization_with(axis), shape, 1500) + block);
    at_once.cache.shrink_to_fit();
    CHECK(at_once.cache.bytes() == quantized_bytes(quantization_with(axis), shape, 1500));
    HeadCache grown(Dtype::f32, 16);
    for (Index j = 0; j < 500; ++j) {
      grown.append(static_cast<Position>(j), at_once.keys.row(j).data(), at_once.values.row(j).data());
      grown.quantize(quantization_with(axis));
      CHECK(grown.bytes() <= quantized_bytes(quantization_with(axis), shape, j + 1) + block);
    }
  }
}

TEST_CASE("a quantized row keeps its codes when others are evicted again and again") {
  for (const Axis axis : {Axis::per_channel, Axis::per_token})
    for (const int bits : {2, 4, 8}) {
      const CacheQuantization quantization{{axis, bits, 16}, {Axis::per_token, bits, 16}, 32};
      Filled filled(400, 3);
      HeadCache cache(Dtype::f32, 16);
      std::map<Position, std::vector<float>> keys, values;  // the quantized rows as they were dequantized first
      for (Index j = 0; j < 400; ++j) {
        cache.append(static_cast<Position>(3 * j), filled.keys.row(j).data(), filled.values.row(j).data());
        cache.quantize(quantization, filled.key_bias());
        if (j % 50 == 49) {
          std::vector<Index> kept;
          for (Index row = 0; row < cache.rows(); ++row)
            if ((row * 7 + j) % 5 != 0) kept.push_back(row);
          cache = cache.compacted(kept);
        }
        Matrix<float> found_keys(cache.rows(), 16), found_values(cache.rows(), 16);
        cache.copy_to(found_keys.data(), found_values.data());
        const auto compare = [&](auto& known, const QuantizedRows* rows, const Matrix<float>& found) {
          for (Index row = 0; rows != nullptr && row < rows->rows(); ++row) {
            const Position position = cache.positions()[static_cast<std::size_t>(row)];
            const std::vector<float> dequantized(found.row(row).data(), found.row(row).data() + 16);
            REQUIRE(known.try_emplace(position, dequantized).first->second == dequantized);
          }
        };
        compare(keys, cache.quantized_keys(), found_keys);
        compare(values, cache.quantized_values(), found_values);
        for (Index row = 0; row < cache.rows(); ++row) {
          const Index original = cache.positions()[static_cast<std::size_t>(row)] / 3;
          if (cache.quantized_keys() == nullptr || row >= cache.quantized_keys()->rows())
            CHECK(found_keys.row(row) == filled.keys.row(original));
        }
      }
      CHECK(keys.size() > 200);
    }
}

TEST_CASE("quantized_bytes predicts the bytes of rows after quantization") {
  constexpr CacheShape shape{.head_dim = 16, .dtype = Dtype::f32};
  for (const Axis axis : {Axis::per_channel, Axis::per_token})
    for (const Index rows : {1, 32, 75}) {
      const Index values = std::max<Index>(0, rows - 32), keys = axis == Axis::per_token ? values : rows / 32 * 32;
      CHECK(quantized_bytes(quantization_with(axis), shape, rows) ==
            QuantizedRows::bytes(QuantizedRows::Content::keys, quantization_with(axis).keys, 16, keys) +
                QuantizedRows::bytes(QuantizedRows::Content::values, quantization_with(axis).values, 16, values) +
                static_cast<std::size_t>((2 * rows - keys - values) * 16) * sizeof(float) +
                static_cast<std::size_t>(rows) * sizeof(Position));
    }
}
