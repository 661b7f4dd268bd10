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

/// Stores in `kBits` bits what another press leaves, or everything: keys in groups of `group` rows per channel, values
/// in groups of `group` channels per token; the last `residual` rows stay whole, and while answers are decoded the rest
/// follows. Liu et al., "KIVI: A Tuning-Free Asymmetric 2bit Quantization for KV Cache", arXiv:2402.02750. Written
/// behind what it stores, `snapkv+int4`, or alone.
///
/// Beyond the paper, `bias` stores keys without what the model's bias has become in them, which attention adds again:
/// Qwen2's would otherwise set the scales. `keys=per_token` is the simple quantizer, whose keys are grouped as values
/// are. Qwen2.5-Coder-0.5B on WikiText-2's test part, 12 windows of 1024 tokens of which the first half is quantized,
/// comes to a perplexity of 33.20, and
///
///                   per_channel, no bias  per_channel, bias  per_token, no bias  per_token, bias
///     int4                         33.26              33.21               45.73            33.40
///     int2                         39.48              37.94              350.70            48.43
///
/// `kvx-eval tool_call --press "int2,int2(bias=false)" --ratio 0 --limit 48` shows the same on whole answers.
template <int kBits>
struct Quantized {
  static constexpr std::string_view name = kBits == 2   ? "int2"
                                           : kBits == 4 ? "int4"
                                                        : "int8",
                                    paper = "arXiv:2402.02750";
  AnyPolicy inner = AnyPolicy(None());
  int group = 32, residual = 128;
  Quantization::Axis keys = Quantization::Axis::per_channel;
  bool bias = true;
  static constexpr auto parameters() {
    return std::tuple(Parameter{"group", &Quantized::group}, Parameter{"residual", &Quantized::residual},
                      Parameter{"keys", &Quantized::keys}, Parameter{"bias", &Quantized::bias});
  }
  void validate() const {
    if (inner.quantization()) throw Error(name, "expected a press that does not quantize, found " + inner.written());
    if (inner.sliding_threshold())
      throw Error(name, "expected a press that does not evict single rows while decoding, found " + inner.written());
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
