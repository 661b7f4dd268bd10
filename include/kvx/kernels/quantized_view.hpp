#pragma once

#include <kvx/core/dtype.hpp>
#include <kvx/core/tensor_view.hpp>

#include <cstdint>
#include <span>

namespace kvx::inline v0 {

/// Lanes that quantized rows are padded to.
inline constexpr Index kQuantizedLanes = 16;

/// Keys or values of one KV head as QuantizedRows holds them, in memory that somebody else owns: code * scale + zero.
///
/// A word of 32 bits holds the codes of one lane, first code lowest, and 16 words stand side by side, so that a
/// register of words is unpacked by shifts alone. Keys: a lane is a row and a word holds successive channels; codes
/// [rows / 16, head_dim / codes per word, 16], scales [rows / group, head_dim] per channel and [rows / 16, head_dim /
/// group, 16] per token. Values: a lane is a channel and a word holds successive rows; codes [rows / codes per word,
/// head_dim padded to 16], scales [rows, head_dim / group].
struct QuantizedView {
  const std::uint32_t* codes;
  const F16 *scales, *zeros;
  Index rows, head_dim;
  int bits;        // 2, 4 or 8
  Index group;     // a multiple of 16
  bool per_token;  // a group is successive channels of one row
  /// For quantization per channel, if groups have lost rows: group g has the rows from group_ends[g - 1] to
  /// group_ends[g], and the scales [g]. Empty if all groups are complete.
  std::span<const std::uint32_t> group_ends = {};
};

}  // namespace kvx::inline v0
