#pragma once

#include <kvx/cache/quantize.hpp>
#include <kvx/core/dtype.hpp>
#include <kvx/core/error.hpp>
#include <kvx/core/line_allocator.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/kernels/quantized_view.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace kvx::inline v0 {

/// Keys or values of one KV head, quantized in groups; values only per token. Scales and zeros are rounded to F16
/// before codes are computed, so that the error of an element is at most half a scale, or the rounding error of F16. A
/// row is quantized once. If other rows of its group are evicted, it keeps its codes, and the group keeps its scales.
/// QuantizedView describes the layout; attend_quantized() computes attention from it.
class QuantizedRows {
 public:
  enum class Content { keys, values };

  QuantizedRows(Content content, const Quantization& quantization, Index head_dim)
      : content_(content), quantization_(quantization), head_dim_(head_dim) {
    quantization.validate();
    if (content == Content::values && per_channel())
      throw Error("quantized rows: axis", "expected per_token for values, found per_channel");
    if (quantization.group % kQuantizedLanes != 0)
      throw Error("quantized rows: group", "expected a multiple of 16, found " + std::to_string(quantization.group));
  }

  const Quantization& quantization() const { return quantization_; }
  Index rows() const { return rows_; }
  Index head_dim() const { return head_dim_; }

  /// Allocates memory for `rows` rows in total, and not for more.
  void reserve(Index rows) {
    codes_.reserve(words(rows));
    scales_.reserve(groups(rows));
    zeros_.reserve(groups(rows));
  }

  /// Frees all unused memory.
  void shrink_to_fit() {
    codes_.shrink_to_fit();
    scales_.shrink_to_fit();
    zeros_.shrink_to_fit();
    group_ends_.shrink_to_fit();
  }

  /// Adds rows [count, head_dim]. Throws Error for elements outside F16's range and, if quantization is per channel,
  /// for incomplete groups.
  void append(MatrixView<const float> rows) {
    if (per_channel() && rows.rows() % quantization_.group != 0)
      throw Error("quantized rows: append", "expected a multiple of " + std::to_string(quantization_.group) +
                                                " rows, found " + std::to_string(rows.rows()));
    if (!(rows.array().abs() <= 65504).all())
      throw Error("quantized rows: append", "expected elements within 65504, found others");
    const Index total = rows_ + rows.rows();
    if (!group_ends_.empty()) add_group_ends(total);
    if (words(total) > codes_.capacity() || groups(total) > scales_.capacity()) reserve(padded(total));
    codes_.resize(words(total), 0u);
    scales_.resize(groups(total));
    zeros_.resize(groups(total));
    const Index run = keys() == per_channel() ? kQuantizedLanes : 1;  // elements of a group in neighboring words
    Place to = {};
    each_group<F16>(rows, quantization_, [&](Index j, Index d, const auto& elements, const QuantizedGroup& group) {
      const std::size_t index = group_of(rows_ + j, d);
      scales_[index] = static_cast<F16>(group.scale);
      zeros_[index] = static_cast<F16>(group.zero);
      for (Index i = 0; i < elements.size(); ++i) {
        const Index y = per_channel() ? i : 0, x = i - y;
        const Index lane = per_channel() ? rows_ + j + y : d + x;
        if (i == 0 || lane % run == 0) to = place(rows_ + j + y, d + x);
        codes_[to.word++] |= std::uint32_t{group.code(elements(y, x), quantization_.bits)} << to.shift;
      }
    });
    rows_ = total;
  }

  /// A copy of only the rows `kept` (ascending), with their codes, scales and zeros, without unused memory.
  QuantizedRows compacted(std::span<const Index> kept) const {
    QuantizedRows small(content_, quantization_, head_dim_);
    small.rows_ = static_cast<Index>(kept.size());
    if (per_channel()) small.group_ends_ = ends_of(kept);
    small.codes_.resize(small.words(small.rows_), 0u);
    small.scales_.resize(small.groups(small.rows_));
    small.zeros_.resize(small.scales_.size());
    for (Index to = 0; to < small.rows_; ++to) {
      const Index from = kept[static_cast<std::size_t>(to)];
      for (Index d = 0; d < head_dim_; ++d) {
        const auto [word, shift] = small.place(to, d);
        small.codes_[word] |= std::uint32_t{code(from, d)} << shift;
        const std::size_t group = small.group_of(to, d), old_group = group_of(from, d);
        small.scales_[group] = scales_[old_group];
        small.zeros_[group] = zeros_[old_group];
      }
    }
    return small;
  }

  /// Writes rows [first, first + count) as floats to `out` [count, head_dim].
  void dequantize(Index first, Index count, float* out) const {
    for (Index j = first; j < first + count; ++j)
      for (Index d = 0; d < head_dim_; ++d) {
        const std::size_t group = group_of(j, d);
        const QuantizedGroup numbers{static_cast<float>(scales_[group]), static_cast<float>(zeros_[group])};
        *out++ = numbers.value(code(j, d));
      }
  }

  QuantizedView view() const {
    return {codes_.data(),      scales_.data(),      zeros_.data(),  rows_,      head_dim_,
            quantization_.bits, quantization_.group, !per_channel(), group_ends_};
  }

  /// The bytes of the codes, scales and zeros of `rows` rows, if none has been evicted.
  static std::size_t bytes(Content content, const Quantization& quantization, Index head_dim, Index rows) {
    const QuantizedRows empty(content, quantization, head_dim);
    return empty.words(rows) * sizeof(std::uint32_t) + 2 * empty.groups(rows) * sizeof(F16);
  }
  /// Allocated bytes: codes, scales, zeros and group_ends.
  std::size_t bytes() const {
    return (codes_.capacity() + group_ends_.capacity()) * sizeof(std::uint32_t) +
           (scales_.capacity() + zeros_.capacity()) * sizeof(F16);
  }

 private:
  /// The place of an element's code: a word, and by how many bits the code is shifted in it.
  struct Place {
    std::size_t word;
    int shift;
  };

  bool keys() const { return content_ == Content::keys; }
  bool per_channel() const { return quantization_.axis == Quantization::Axis::per_channel; }
  Index codes_per_word() const { return 32 / quantization_.bits; }
  static Index divide_rounding_up(Index count, Index size) { return (count + size - 1) / size; }

  /// The number of words of codes of `rows` rows.
  std::size_t words(Index rows) const {
    return static_cast<std::size_t>(keys() ? padded(rows) * divide_rounding_up(head_dim_, codes_per_word())
                                           : divide_rounding_up(rows, codes_per_word()) * padded(head_dim_));
  }
  /// The number of scales of `rows` rows.
  std::size_t groups(Index rows) const {
    if (!group_ends_.empty()) return group_ends_.size() * static_cast<std::size_t>(head_dim_);
    return static_cast<std::size_t>(per_channel() ? rows / quantization_.group * head_dim_
                                                  : (keys() ? padded(rows) : rows) *
                                                        divide_rounding_up(head_dim_, quantization_.group));
  }
  /// The index of an element's scale and zero.
  std::size_t group_of(Index row, Index channel) const {
    if (per_channel()) return static_cast<std::size_t>(row_group(row) * head_dim_ + channel);
    const Index group = channel / quantization_.group, lane = row % kQuantizedLanes;
    return keys() ? groups(row - lane) + static_cast<std::size_t>(group * kQuantizedLanes + lane)
                  : groups(row) + static_cast<std::size_t>(group);
  }
  /// The group of a row, for quantization per channel.
  Index row_group(Index row) const {
    if (group_ends_.empty()) return row / quantization_.group;
    return std::upper_bound(group_ends_.begin(), group_ends_.end(), row, std::less<>()) - group_ends_.begin();
  }
  /// The ends of the groups among the rows `kept`, for quantization per channel; empty if the groups are complete.
  std::vector<std::uint32_t> ends_of(std::span<const Index> kept) const {
    std::vector<std::uint32_t> ends;
    Index last = -1;
    bool complete = static_cast<Index>(kept.size()) % quantization_.group == 0;
    for (std::size_t to = 0; to < kept.size(); ++to) {
      const Index group = row_group(kept[to]);
      if (group != last && to > 0) ends.push_back(static_cast<std::uint32_t>(to));
      complete &= (group == last) == (static_cast<Index>(to) % quantization_.group != 0);
      last = group;
    }
    if (complete) return {};
    ends.push_back(static_cast<std::uint32_t>(kept.size()));
    ends.shrink_to_fit();
    return ends;
  }
  /// Adds the ends of the complete groups that the rows [rows_, total) will form, for quantization per channel.
  void add_group_ends(Index total) {
    group_ends_.reserve(group_ends_.size() + static_cast<std::size_t>((total - rows_) / quantization_.group));
    for (Index end = rows_ + quantization_.group; end <= total; end += quantization_.group)
      group_ends_.push_back(static_cast<std::uint32_t>(end));
  }
  std::uint8_t code(Index row, Index channel) const {
    const auto [word, shift] = place(row, channel);
    return static_cast<std::uint8_t>(codes_[word] >> shift & ((1u << quantization_.bits) - 1));
  }
  Place place(Index row, Index channel) const {
    const Index codes = codes_per_word(), lanes = kQuantizedLanes;
    if (keys())
      return {words(row / lanes * lanes) + static_cast<std::size_t>(channel / codes * lanes + row % lanes),
              static_cast<int>(channel % codes) * quantization_.bits};
    return {words(row / codes * codes) + static_cast<std::size_t>(channel),
            static_cast<int>(row % codes) * quantization_.bits};
  }
  static Index padded(Index count) { return divide_rounding_up(count, kQuantizedLanes) * kQuantizedLanes; }

  Content content_;
  Quantization quantization_;
  Index head_dim_, rows_ = 0;
  LineVector<std::uint32_t> codes_;
  LineVector<F16> scales_, zeros_;
  std::vector<std::uint32_t> group_ends_;  // see QuantizedView::group_ends
};

}  // namespace kvx::inline v0
