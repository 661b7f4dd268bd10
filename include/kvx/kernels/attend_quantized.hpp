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

/// The element type of an AttentionJob over quantized rows, whose newest values may still be of type T.
template <class T>
struct QuantizedOr;

template <class T>
struct AttentionJob<QuantizedOr<T>> {
  std::span<AttentionQuery> queries;
  QuantizedView keys, values;
  const T* newer_values;  // [last - values.rows, head_dim]: those after the quantized ones
  Index first, last, head_dim, stride;
  float scale;
  KeyBias bias;
  const Position* positions;  // [last]

  Index width() const { return (head_dim + kQuantizedLanes - 1) / kQuantizedLanes * kQuantizedLanes; }
  /// The floats that prepare_block() needs: keys, values, and the most scales and zeros that a panel of keys or a block
  /// of values can have.
  Index memory() const { return (2 * kAttentionBlock + 2 * kAttentionBlock / kQuantizedLanes) * width(); }

  template <class Path>
  [[gnu::always_inline]] void run() const {
    attend_blocks<Path, false>(*this);
  }
};

/// Converts finite F16 to floats. `to` has room for whole registers.
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
    const auto normal =
        reinterpret_cast<typename S::Float>((magnitude << 13) + 0x38000000u);  // difference of the exponents' biases
    const auto subnormal = __builtin_convertvector(reinterpret_cast<typename S::Int>(magnitude), typename S::Float);
    const auto absolute = magnitude < 0x400u ? subnormal * 0x1p-24f : normal;
    S::store(reinterpret_cast<typename S::Float>(reinterpret_cast<typename S::Bits>(absolute) | (bits & 0x8000u) << 16),
             to + i);
  }
}

/// Removes the lowest code of each word, and writes code * scale + zero.
template <int kLanes, int kBits, class Scale>
[[gnu::always_inline]] inline void take_code(typename Simd<kLanes>::Bits& words, const Scale& scale, const Scale& zero,
                                             float* to) {
  using S = Simd<kLanes>;
  const auto codes = reinterpret_cast<typename S::Int>(words & ((1u << kBits) - 1));
  S::store(__builtin_convertvector(codes, typename S::Float) * scale + zero, to);
  words >>= kBits;
}

static_assert(kQuantizedLanes == kAttentionPanel);  // so that a panel is stored register by register

/// Dequantizes keys [first, first + count) to panels [head_dim, 16], and the remaining rows of the last panel. `memory`
/// has room for the scales and zeros.
template <int kLanes, int kBits>
[[gnu::always_inline]] inline void dequantize_keys(const QuantizedView& keys, Index first, Index count, float* memory,
                                                   float* packed) {
  constexpr Index kCodes = 32 / kBits;
  constexpr int kVectors = static_cast<int>(kQuantizedLanes) / kLanes;
  const Index words_per_row = (keys.head_dim + kCodes - 1) / kCodes,
              groups = (keys.head_dim + keys.group - 1) / keys.group,
              scale_count = keys.per_token ? groups * kQuantizedLanes : keys.head_dim,
              rows_per_scale = keys.per_token ? kQuantizedLanes : keys.group;
  float *const scales = memory, *const zeros = memory + (scale_count + kLanes - 1) / kLanes * kLanes;
  for (Index row = first; row < first + count; row += kQuantizedLanes, packed += kQuantizedLanes * keys.head_dim) {
    if (row == first || row % rows_per_scale == 0) {
      widen_halves<kLanes>(keys.scales + row / rows_per_scale * scale_count, scale_count, scales);
      widen_halves<kLanes>(keys.zeros + row / rows_per_scale * scale_count, scale_count, zeros);
    }
    const std::uint32_t* from = keys.codes + row * words_per_row;
    for (Index d = 0; d < keys.head_dim; d += kCodes, from += kQuantizedLanes) {
      typename Simd<kLanes>::Bits words[std::size_t{kVectors}];
      std::memcpy(words, from, sizeof words);
      float* const to = packed + d * kQuantizedLanes;
      const Index codes = std::min(kCodes, keys.head_dim - d);
      if (keys.per_token) {  // all codes of a word are in one group
        const Index offset = d / keys.group * kQuantizedLanes;
#pragma GCC unroll 16
        for (int v = 0; v < kVectors; ++v) {
          typename Simd<kLanes>::Float scale, zero;
          Simd<kLanes>::load(scales + offset + v * kLanes, scale);
          Simd<kLanes>::load(zeros + offset + v * kLanes, zero);
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
                                                          float* memory, float* packed) {
  using S = Simd<kLanes>;
  constexpr Index kCodes = 32 / kBits;
  constexpr int kVectors = static_cast<int>(kQuantizedLanes) / kLanes;
  const Index words_per_row = (keys.head_dim + kCodes - 1) / kCodes;
  float *const scales = memory, *const zeros = memory + (keys.head_dim + kLanes - 1) / kLanes * kLanes;
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
          float* const target = to + (d + k) * kQuantizedLanes + v * kLanes;
          const auto in_group = (lane + v * kLanes >= low) & (lane + v * kLanes < high);
          float coded[std::size_t{kLanes}];
          typename S::Float key, previous;
          take_code<kLanes, kBits>(words[v], scales[d + k], zeros[d + k], coded);
          S::load(coded, key);
          S::load(target, previous);
          S::store(in_group ? key : previous, target);
        }
    }
    group += end == Index{ends[group]};
    begin = end;
  }
}

/// Adds the bias, rotated to `positions`, to panels of `count` keys.
template <int kLanes>
[[gnu::always_inline]] inline void add_bias(const KeyBias& key_bias, const Position* positions, Index count,
                                            float* packed) {
  using S = Simd<kLanes>;
  const auto half = static_cast<Index>(key_bias.inv_freq.size());
  for (Index j = 0; j < count; j += kLanes) {
    Position padded[std::size_t{kLanes}] = {};
    std::copy_n(positions + j, std::min<Index>(kLanes, count - j), padded);
    typename S::Int numbers;
    std::memcpy(&numbers, padded, sizeof numbers);
    const auto position = __builtin_convertvector(numbers, typename S::Float);
    float* const panel = packed + j / kAttentionPanel * kAttentionPanel * 2 * half + j % kAttentionPanel;
    for (Index i = 0; i < half; ++i) {
      const float a = key_bias.bias[static_cast<std::size_t>(i)], b = key_bias.bias[static_cast<std::size_t>(i + half)];
      float *const low = panel + i * kAttentionPanel, *const high = low + half * kAttentionPanel;
      typename S::Float sin, cos, x, y;
      S::sin_cos(position * key_bias.inv_freq[static_cast<std::size_t>(i)], sin, cos);
      S::load(low, x);
      S::load(high, y);
      S::store(x + (cos * a - sin * b), low);
      S::store(y + (cos * b + sin * a), high);
    }
  }
}

/// Dequantizes values [first, first + count) to `to` [count, width]. `memory` has room for the scales and zeros.
template <int kLanes, int kBits>
[[gnu::always_inline]] inline void dequantize_values(const QuantizedView& values, Index first, Index count, Index width,
                                                     float* memory, float* to) {
  constexpr Index kCodes = 32 / kBits;
  const Index groups = (values.head_dim + values.group - 1) / values.group;
  float *const scales = memory, *const zeros = memory + kAttentionBlock * groups;
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
[[gnu::always_inline]] inline AttentionBlock prepare_block(const AttentionJob<QuantizedOr<T>>& job, Index first,
                                                           Index count, float* memory) {
  const Index width = job.width(), quantized = std::clamp<Index>(job.values.rows - first, 0, count);
  float *const values = memory + kAttentionBlock * width, *const scales = values + kAttentionBlock * width;
  with_bits(
      job.keys.bits, [&]<int bits>(std::integral_constant<int, bits>) __attribute__((always_inline)) {
        if (job.keys.group_ends.empty())
          dequantize_keys<kLanes, bits>(job.keys, first, count, scales, memory);
        else
          dequantize_ragged_keys<kLanes, bits>(job.keys, first, count, scales, memory);
      });
  if (!job.bias.bias.empty()) add_bias<kLanes>(job.bias, job.positions + first, count, memory);
  if (quantized > 0)
    with_bits(
        job.values.bits, [&]<int bits>(std::integral_constant<int, bits>) __attribute__((always_inline)) {
          dequantize_values<kLanes, bits>(job.values, first, quantized, width, scales, values);
        });
  if (quantized < count)
    copy_values<kLanes>(job.newer_values + (first + quantized - job.values.rows) * job.stride, job.stride,
                        count - quantized, job.head_dim, values + quantized * width, width);
  return {first, count, memory, values, width};
}

}  // namespace detail

/// Like attend(), over all rows of quantized keys. Values may be quantized later than keys: `newer_values` [rows,
/// head_dim] begins with the values after `values`. `bias`, rotated to the rows' positions, is added to the keys. Rows
/// are dequantized block by block, in memory that stays in the CPU's cache.
template <class T>
void attend_quantized(std::span<AttentionQuery> queries, const QuantizedView& keys, const QuantizedView& values,
                      MatrixView<const T> newer_values, float scale, const KeyBias& bias = {},
                      std::span<const Position> positions = {}, Isa path = isa()) {
  detail::run_on(path, detail::AttentionJob<detail::QuantizedOr<T>>{
                           queries, keys, values, newer_values.data(), 0, keys.rows, keys.head_dim,
                           newer_values.outerStride(), scale, bias, positions.data()});
}

}  // namespace kvx::inline v0
