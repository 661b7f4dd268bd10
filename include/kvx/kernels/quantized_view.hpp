#pragma once

#include <kvx/core/dtype.hpp>
#include <kvx/core/tensor_view.hpp>

#include <cstdint>
#include <span>

namespace kvx::inline v0 {

/// Quantized rows are padded to a multiple of this number of lanes.
inline constexpr Index kQuantizedLanes = 16;

/// A view of keys or values of one KV head as QuantizedRows stores them, in memory that it does not own. An element is
/// code * scale + zero.
///
/// A word of 32 bits holds codes of one lane, the first in its lowest bits. The words of 16 lanes are adjacent, so that
/// a register of words can be unpacked with shifts. Keys: a lane is a row, and a word holds successive channels; codes
/// are [rows / 16, head_dim / codes per word, 16], scales are [rows / group, head_dim] per channel and [rows / 16,
/// head_dim / group, 16] per token. Values: a lane is a channel, and a word holds successive rows; codes are [rows /
/// codes per word, head_dim padded to 16], scales are [rows, head_dim / group]. Zeros have the shape of the scales.
struct QuantizedView {
  const std::uint32_t* codes;
  const F16 *scales, *zeros;
  Index rows, head_dim;
  int bits;        // 2, 4 or 8
  Index group;     // a multiple of 16
  bool per_token;  // a group is successive channels of one row
  /// For quantization per channel, if groups have lost rows: group g has the rows from group_ends[g - 1] up to, but not
  /// including, group_ends[g], and the scales [g]. Empty if all groups are complete.
  std::span<const std::uint32_t> group_ends = {};
};

}  // namespace kvx::inline v0
