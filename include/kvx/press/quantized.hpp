#pragma once

#include <kvx/cache/quantize.hpp>
#include <kvx/core/error.hpp>
#include <kvx/press/any_policy.hpp>
#include <kvx/press/none.hpp>
#include <kvx/press/policy.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <tuple>

namespace kvx::inline v0 {

/// Stores the rows that the wrapped press keeps (by default all rows) in `kBits` bits: keys in groups of `group` rows
/// of one channel, values in groups of `group` channels of one row. Each group has a scale and a zero. The newest
/// `residual` rows stay in full precision; while answers are decoded, older rows are quantized as new ones come. Liu et
/// al., "KIVI: A Tuning-Free Asymmetric 2bit Quantization for KV Cache", arXiv:2402.02750. It is written after the
/// press that it wraps, as in `snapkv+int4`, or as `int4` only.
///
/// Two options are not in the paper. With `bias`, the part of a key that comes from the model's bias, after RoPE, is
/// subtracted before keys are quantized, and added again in attention; in Qwen2 the bias would otherwise determine the
/// scales. With `keys=per_token`, keys are grouped like values. Perplexity of Qwen2.5-Coder-0.5B on the test part of
/// WikiText-2, 12 windows of 1024 tokens, of which the first half is quantized (33.20 without quantization):
///
///                   per_channel, no bias  per_channel, bias  per_token, no bias  per_token, bias
///     int4                         33.26              33.21               45.73            33.40
///     int2                         39.48              37.94              350.70            48.43
///
/// `kvx-eval tool_call --press "int2,int2(bias=false)" --ratio 0 --limit 48` compares whole answers.
template <int kBits>
struct Quantized {
  static constexpr std::string_view name = kBits == 2   ? "int2"
                                           : kBits == 4 ? "int4"
                                                        : "int8",
                                    paper = "arXiv:2402.02750";
  AnyPolicy inner = AnyPolicy(None());  ///< the press that selects the rows
  int group = 32;                       ///< elements that share a scale and a zero; multiple of 16
  int residual = 128;                   ///< the newest rows, which stay in full precision
  Quantization::Axis keys = Quantization::Axis::per_channel;  ///< how keys are grouped
  bool bias = true;                                           ///< whether the model's bias is subtracted from keys
  static constexpr auto parameters() {
    return std::tuple(Parameter{"group", &Quantized::group}, Parameter{"residual", &Quantized::residual},
                      Parameter{"keys", &Quantized::keys}, Parameter{"bias", &Quantized::bias});
  }
  void validate() const {
    if (inner.quantization()) throw Error(name, "expected a press that does not quantize, found " + inner.written());
    if (inner.sliding_threshold())
      throw Error(
          name, "expected a press that does not evict single rows while answers are decoded, found " + inner.written());
    if (group < 16 || group % 16 != 0)
      throw Error(std::string(name) + ": group", "expected a multiple of 16, found " + std::to_string(group));
    if (residual < 1 || (keys == Quantization::Axis::per_channel && residual % group != 0))
      throw Error(std::string(name) + ": residual",
                  "expected a multiple of the group, " + std::to_string(group) + ", found " + std::to_string(residual));
  }

  std::optional<CacheQuantization> quantization() const {
    return CacheQuantization{{keys, kBits, group}, {Quantization::Axis::per_token, kBits, group}, residual, bias};
  }
  Traits traits() const { return {.outermost = true, .wraps_outermost = true, .follows = true}; }
};
static_assert(ScorePolicy<Quantized<4>>);

}  // namespace kvx::inline v0
