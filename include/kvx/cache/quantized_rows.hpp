#pragma once

#include <kvx/cache/quantize.hpp>
#include <kvx/core/dtype.hpp>
#include <kvx/core/error.hpp>
#include <kvx/core/line_allocator.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/kernels/quantized_view.hpp>

#include <cstddef>
#include <cstdint>
#include <string>

namespace kvx::inline v0 {

/// Keys or values of one KV head, quantized in groups, values per token. Scales and zeros are F16, and codes are of
/// their rounded values, so that an element is off by half a scale at most, or by what F16 rounds off. QuantizedView
/// has the layout; attend_quantized() runs over it.
class QuantizedRows {
 public:
  enum class Of { keys, values };

  QuantizedRows(Of of, const Quantization& how, Index head_dim) : of_(of), how_(how), head_dim_(head_dim) {
    how.validate();
    if (of == Of::values && per_channel())
      throw Error("quantized rows: axis", "expected per_token for values, found per_channel");
    if (how.group % kQuantizedLanes != 0)
      throw Error("quantized rows: group", "expected a multiple of 16, found " + std::to_string(how.group));
  }

  const Quantization& how() const { return how_; }
  Index rows() const { return rows_; }
  Index head_dim() const { return head_dim_; }

  /// Makes room for `rows` in all, and for no more.
  void reserve(Index rows) {
    codes_.reserve(words(rows));
    scales_.reserve(groups(rows));
    zeros_.reserve(groups(rows));
  }

  /// Adds rows [count, head_dim]; per channel in whole groups. Elements are within F16's range.
  void append(MatrixView<const float> rows) {
    if (per_channel() && rows.rows() % how_.group != 0)
      throw Error("quantized rows: append", "expected a multiple of " + std::to_string(how_.group) + " rows, found " +
                                                std::to_string(rows.rows()));
    if (!(rows.array().abs() <= 65504).all())
      throw Error("quantized rows: append", "expected elements within 65504, found others");
    const Index all = rows_ + rows.rows();
    codes_.resize(words(all), 0u);
    scales_.resize(groups(all));
    zeros_.resize(groups(all));
    const Index side_by_side = keys() == per_channel() ? kQuantizedLanes : 1;  // successive elements of a group
    Place to = {};
    each_group<F16>(rows, how_, [&](Index j, Index d, const auto& elements, const QuantizedGroup& group) {
      const std::size_t at = group_of(rows_ + j, d);
      scales_[at] = static_cast<F16>(group.scale);
      zeros_[at] = static_cast<F16>(group.zero);
      for (Index i = 0; i < elements.size(); ++i) {
        const Index y = per_channel() ? i : 0, x = i - y;
        if (i % side_by_side == 0) to = place(rows_ + j + y, d + x);
        codes_[to.word++] |= std::uint32_t{group.code(elements(y, x), how_.bits)} << to.shift;
      }
    });
    rows_ = all;
  }

  /// Rows [first, first + count) as floats, to [count, head_dim].
  void dequantize(Index first, Index count, float* out) const {
    for (Index j = first; j < first + count; ++j)
      for (Index d = 0; d < head_dim_; ++d) {
        const auto [word, shift] = place(j, d);
        const std::size_t group = group_of(j, d);
        const QuantizedGroup steps{static_cast<float>(scales_[group]), static_cast<float>(zeros_[group])};
        *out++ = steps.value(static_cast<std::uint8_t>(codes_[word] >> shift & ((1u << how_.bits) - 1)));
      }
  }

  QuantizedView view() const {
    return {codes_.data(), scales_.data(), zeros_.data(), rows_, head_dim_, how_.bits, how_.group, !per_channel()};
  }

  /// Bytes that `rows` take: codes, scales and zeros.
  static std::size_t bytes(Of of, const Quantization& how, Index head_dim, Index rows) {
    const QuantizedRows none(of, how, head_dim);
    return none.words(rows) * sizeof(std::uint32_t) + 2 * none.groups(rows) * sizeof(F16);
  }
  /// Allocated bytes: codes, scales and zeros.
  std::size_t bytes() const {
    return codes_.capacity() * sizeof(std::uint32_t) + (scales_.capacity() + zeros_.capacity()) * sizeof(F16);
  }

 private:
  /// Where an element's code stands.
  struct Place {
    std::size_t word;
    int shift;
  };

  bool keys() const { return of_ == Of::keys; }
  bool per_channel() const { return how_.axis == Quantization::Axis::per_channel; }
  Index codes_per_word() const { return 32 / how_.bits; }
  static Index parts(Index whole, Index part) { return (whole + part - 1) / part; }

  /// Words that `rows` take.
  std::size_t words(Index rows) const {
    return static_cast<std::size_t>(keys() ? padded(rows) * parts(head_dim_, codes_per_word())
                                           : parts(rows, codes_per_word()) * padded(head_dim_));
  }
  /// Groups that `rows` make.
  std::size_t groups(Index rows) const {
    return static_cast<std::size_t>(per_channel() ? rows / how_.group * head_dim_
                                                  : (keys() ? padded(rows) : rows) * parts(head_dim_, how_.group));
  }
  std::size_t group_of(Index row, Index channel) const {
    if (per_channel()) return groups(row) + static_cast<std::size_t>(channel);
    const Index group = channel / how_.group, lane = row % kQuantizedLanes;
    return keys() ? groups(row - lane) + static_cast<std::size_t>(group * kQuantizedLanes + lane)
                  : groups(row) + static_cast<std::size_t>(group);
  }
  Place place(Index row, Index channel) const {
    const Index codes = codes_per_word(), lanes = kQuantizedLanes;
    if (keys())
      return {words(row / lanes * lanes) + static_cast<std::size_t>(channel / codes * lanes + row % lanes),
              static_cast<int>(channel % codes) * how_.bits};
    return {words(row / codes * codes) + static_cast<std::size_t>(channel), static_cast<int>(row % codes) * how_.bits};
  }
  static Index padded(Index count) { return parts(count, kQuantizedLanes) * kQuantizedLanes; }

  Of of_;
  Quantization how_;
  Index head_dim_, rows_ = 0;
  LineVector<std::uint32_t> codes_;
  LineVector<F16> scales_, zeros_;
};

}  // namespace kvx::inline v0
