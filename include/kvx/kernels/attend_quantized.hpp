#pragma once

#include <kvx/core/dtype.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/kernels/attend.hpp>
#include <kvx/kernels/attend_job.hpp>
#include <kvx/kernels/attend_tile.hpp>
#include <kvx/kernels/isa.hpp>
#include <kvx/kernels/key_bias.hpp>
#include <kvx/kernels/quantized_view.hpp>
#include <kvx/kernels/rope.hpp>
#include <kvx/kernels/simd.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>
#include <utility>

namespace kvx::inline v0 {

namespace detail {

/// For an AttentionJob over quantized rows, whose newest values may be T still.
template <class T>
struct Quantized;

template <class T>
struct AttentionJob<Quantized<T>> {
  std::span<AttentionQuery> queries;
  QuantizedView keys, values;
  const T* newer;  // [last - values.rows, head_dim]: the values behind the quantized ones
  Index first, last, head_dim, stride;
  float scale;
  KeyBias bias;
  const Position* positions;  // [last]

  Index width() const { return (head_dim + kQuantizedLanes - 1) / kQuantizedLanes * kQuantizedLanes; }
  /// Keys, values, and as many scales and zeros as a panel of keys or a block of values has at most.
  Index memory() const { return (2 * kAttentionBlock + 2 * kAttentionBlock / kQuantizedLanes) * width(); }

  template <class Path>
  [[gnu::always_inline]] void run() const {
    attend_blocks<Path, false>(*this);
  }
};

/// Halves as floats; `to` has room for whole registers. Halves are finite.
template <int kLanes>
[[gnu::always_inline]] inline void widen_halves(const F16* from, Index count, float* to) {
  using S = Simd<kLanes>;
  for (Index i = 0; i < count; i += kLanes) {
    typename S::Half half = {};
    if (count - i >= kLanes)
      std::memcpy(&half, from + i, sizeof half);
    else
      std::memcpy(&half, from + i, static_cast<std::size_t>(count - i) * sizeof(F16));
    const auto bits = __builtin_convertvector(half, typename S::Bits), magnitude = bits & 0x7fffu;
    const auto normal = reinterpret_cast<typename S::Float>((magnitude << 13) + 0x38000000u);  // exponents' biases
    const auto subnormal = __builtin_convertvector(reinterpret_cast<typename S::Int>(magnitude), typename S::Float);
    const auto absolute = magnitude < 0x400u ? subnormal * 0x1p-24f : normal;
    S::store(reinterpret_cast<typename S::Float>(reinterpret_cast<typename S::Bits>(absolute) | (bits & 0x8000u) << 16),
             to + i);
  }
}

/// The lowest code of each word times its scale plus its zero; the next code takes its place.
template <int kLanes, int kBits, class Step>
[[gnu::always_inline]] inline void take_code(typename Simd<kLanes>::Bits& words, const Step& scale, const Step& zero,
                                             float* to) {
  using S = Simd<kLanes>;
  const auto codes = reinterpret_cast<typename S::Int>(words & ((1u << kBits) - 1));
  S::store(__builtin_convertvector(codes, typename S::Float) * scale + zero, to);
  words >>= kBits;
}

static_assert(kQuantizedLanes == kAttentionPanel);  // so that the registers of a panel are stored as they are

/// To panels [head_dim, 16]; all rows of a panel that is begun.
template <int kLanes, int kBits>
[[gnu::always_inline]] inline void dequantize_keys(const QuantizedView& keys, Index first, Index count, float* steps,
                                                   float* packed) {
  constexpr Index kCodes = 32 / kBits;
  constexpr int kVectors = static_cast<int>(kQuantizedLanes) / kLanes;
  const Index words_per_row = (keys.head_dim + kCodes - 1) / kCodes,
              groups = (keys.head_dim + keys.group - 1) / keys.group,
              count_of_steps = keys.per_token ? groups * kQuantizedLanes : keys.head_dim,
              rows_of_steps = keys.per_token ? kQuantizedLanes : keys.group;
  float *const scales = steps, *const zeros = steps + (count_of_steps + kLanes - 1) / kLanes * kLanes;
  for (Index row = first; row < first + count; row += kQuantizedLanes, packed += kQuantizedLanes * keys.head_dim) {
    if (row == first || row % rows_of_steps == 0) {
      widen_halves<kLanes>(keys.scales + row / rows_of_steps * count_of_steps, count_of_steps, scales);
      widen_halves<kLanes>(keys.zeros + row / rows_of_steps * count_of_steps, count_of_steps, zeros);
    }
    const std::uint32_t* from = keys.codes + row * words_per_row;
    for (Index d = 0; d < keys.head_dim; d += kCodes, from += kQuantizedLanes) {
      typename Simd<kLanes>::Bits words[std::size_t{kVectors}];
      std::memcpy(words, from, sizeof words);
      float* const to = packed + d * kQuantizedLanes;
      const Index codes = std::min(kCodes, keys.head_dim - d);
      if (keys.per_token) {  // no word is of two groups
        const Index at = d / keys.group * kQuantizedLanes;
#pragma GCC unroll 16
        for (int v = 0; v < kVectors; ++v) {
          typename Simd<kLanes>::Float scale, zero;
          Simd<kLanes>::load(scales + at + v * kLanes, scale);
          Simd<kLanes>::load(zeros + at + v * kLanes, zero);
          for (Index k = 0; k < codes; ++k)
            take_code<kLanes, kBits>(words[v], scale, zero, to + k * kQuantizedLanes + v * kLanes);
        }
      } else {
        for (Index k = 0; k < codes; ++k)
#pragma GCC unroll 16
          for (int v = 0; v < kVectors; ++v)
            take_code<kLanes, kBits>(words[v], scales[d + k], zeros[d + k], to + k * kQuantizedLanes + v * kLanes);
      }
    }
  }
}

/// The same for groups that have lost rows. A panel may then have rows of several groups; they are written group by
/// group, each into its own lanes.
template <int kLanes, int kBits>
[[gnu::always_inline]] inline void dequantize_ragged_keys(const QuantizedView& keys, Index first, Index count,
                                                          float* steps, float* packed) {
  using S = Simd<kLanes>;
  constexpr Index kCodes = 32 / kBits;
  constexpr int kVectors = static_cast<int>(kQuantizedLanes) / kLanes;
  const Index words_per_row = (keys.head_dim + kCodes - 1) / kCodes;
  float *const scales = steps, *const zeros = steps + (keys.head_dim + kLanes - 1) / kLanes * kLanes;
  typename S::Int lane;
  for (int i = 0; i < kLanes; ++i) lane[i] = i;
  const std::uint32_t* const ends = keys.group_ends.data();
  Index group = std::upper_bound(ends, ends + keys.group_ends.size(), static_cast<std::uint32_t>(first)) - ends,
        widened = -1;
  for (Index begin = first; begin < first + count;) {
    const Index panel = begin - begin % kQuantizedLanes, end = std::min<Index>(ends[group], panel + kQuantizedLanes);
    if (group != std::exchange(widened, group)) {
      widen_halves<kLanes>(keys.scales + group * keys.head_dim, keys.head_dim, scales);
      widen_halves<kLanes>(keys.zeros + group * keys.head_dim, keys.head_dim, zeros);
    }
    const std::uint32_t* from = keys.codes + panel * words_per_row;
    float* const to = packed + (panel - first) * keys.head_dim;
    const auto low = static_cast<std::int32_t>(begin - panel), high = static_cast<std::int32_t>(end - panel);
    for (Index d = 0; d < keys.head_dim; d += kCodes, from += kQuantizedLanes) {
      typename S::Bits words[std::size_t{kVectors}];
      std::memcpy(words, from, sizeof words);
      for (Index k = 0; k < std::min(kCodes, keys.head_dim - d); ++k)
#pragma GCC unroll 16
        for (int v = 0; v < kVectors; ++v) {
          float* const at = to + (d + k) * kQuantizedLanes + v * kLanes;
          const auto own = (lane + v * kLanes >= low) & (lane + v * kLanes < high);
          float coded[std::size_t{kLanes}];
          typename S::Float key, there;
          take_code<kLanes, kBits>(words[v], scales[d + k], zeros[d + k], coded);
          S::load(coded, key);
          S::load(at, there);
          S::store(own ? key : there, at);
        }
    }
    group += end == Index{ends[group]};
    begin = end;
  }
}

/// Adds the bias, rotated to `positions`, to panels of as many keys.
template <int kLanes>
[[gnu::always_inline]] inline void add_bias(const KeyBias& by, const Position* positions, Index count, float* packed) {
  using S = Simd<kLanes>;
  const auto half = static_cast<Index>(by.inv_freq.size());
  for (Index j = 0; j < count; j += kLanes) {
    Position some[std::size_t{kLanes}] = {};
    std::copy_n(positions + j, std::min<Index>(kLanes, count - j), some);
    typename S::Int numbers;
    std::memcpy(&numbers, some, sizeof numbers);
    const auto position = __builtin_convertvector(numbers, typename S::Float);
    float* const panel = packed + j / kAttentionPanel * kAttentionPanel * 2 * half + j % kAttentionPanel;
    for (Index i = 0; i < half; ++i) {
      const float a = by.bias[static_cast<std::size_t>(i)], b = by.bias[static_cast<std::size_t>(i + half)];
      float *const low = panel + i * kAttentionPanel, *const high = low + half * kAttentionPanel;
      typename S::Float sin, cos, x, y;
      S::sin_cos(position * by.inv_freq[static_cast<std::size_t>(i)], sin, cos);
      S::load(low, x);
      S::load(high, y);
      S::store(x + (cos * a - sin * b), low);
      S::store(y + (cos * b + sin * a), high);
    }
  }
}

/// To [count, width].
template <int kLanes, int kBits>
[[gnu::always_inline]] inline void dequantize_values(const QuantizedView& values, Index first, Index count, Index width,
                                                     float* steps, float* to) {
  constexpr Index kCodes = 32 / kBits;
  const Index groups = (values.head_dim + values.group - 1) / values.group;
  float *const scales = steps, *const zeros = steps + kAttentionBlock * groups;
  widen_halves<kLanes>(values.scales + first * groups, count * groups, scales);
  widen_halves<kLanes>(values.zeros + first * groups, count * groups, zeros);
  for (Index row = 0; row < count; row += kCodes) {
    const std::uint32_t* const from = values.codes + (first + row) / kCodes * width;
    for (Index g = 0; g < groups; ++g)
      for (Index d = g * values.group; d < std::min((g + 1) * values.group, width); d += kLanes) {
        typename Simd<kLanes>::Bits words;
        std::memcpy(&words, from + d, sizeof words);
        for (Index j = row; j < std::min(row + kCodes, count); ++j)
          take_code<kLanes, kBits>(words, scales[j * groups + g], zeros[j * groups + g], to + j * width + d);
      }
  }
}

/// Calls f(std::integral_constant<int, bits>()).
template <class F>
[[gnu::always_inline]] inline void with_bits(int bits, const F& f) {
  if (bits == 2) return f(std::integral_constant<int, 2>());
  if (bits == 4) return f(std::integral_constant<int, 4>());
  f(std::integral_constant<int, 8>());
}

template <int kLanes, class T>
[[gnu::always_inline]] inline AttentionBlock block_of(const AttentionJob<Quantized<T>>& job, Index first, Index count,
                                                      float* memory) {
  const Index width = job.width(), coded = std::clamp<Index>(job.values.rows - first, 0, count);
  float *const values = memory + kAttentionBlock * width, *const steps = values + kAttentionBlock * width;
  with_bits(
      job.keys.bits, [&]<int bits>(std::integral_constant<int, bits>) __attribute__((always_inline)) {
        if (job.keys.group_ends.empty())
          dequantize_keys<kLanes, bits>(job.keys, first, count, steps, memory);
        else
          dequantize_ragged_keys<kLanes, bits>(job.keys, first, count, steps, memory);
      });
  if (!job.bias.bias.empty()) add_bias<kLanes>(job.bias, job.positions + first, count, memory);
  if (coded > 0)
    with_bits(
        job.values.bits, [&]<int bits>(std::integral_constant<int, bits>) __attribute__((always_inline)) {
          dequantize_values<kLanes, bits>(job.values, first, coded, width, steps, values);
        });
  if (coded < count)
    copy_values<kLanes>(job.newer + (first + coded - job.values.rows) * job.stride, job.stride, count - coded,
                        job.head_dim, values + coded * width, width);
  return {first, count, memory, values, width};
}

}  // namespace detail

/// As attend(), over all rows of quantized keys. Values may be quantized later than keys: those behind `values` are the
/// first of `newer` [rows, head_dim]. Keys are what `keys` holds and `bias`, rotated to the rows' positions. Rows are
/// expanded block by block, in memory that stays in the cache.
template <class T>
void attend_quantized(std::span<AttentionQuery> queries, const QuantizedView& keys, const QuantizedView& values,
                      MatrixView<const T> newer, float scale, const KeyBias& bias = {},
                      std::span<const Position> positions = {}, Isa path = isa()) {
  detail::run_on(
      path, detail::AttentionJob<detail::Quantized<T>>{queries, keys, values, newer.data(), 0, keys.rows, keys.head_dim,
                                                       newer.outerStride(), scale, bias, positions.data()});
}

}  // namespace kvx::inline v0
