#pragma once

#include <kvx/core/error.hpp>
#include <kvx/core/top_k.hpp>
#include <kvx/press/parts/expect_value.hpp>
#include <kvx/press/policy.hpp>
#include <kvx/press/select.hpp>
#include <kvx/press/tensor_reader.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace kvx::inline v0 {

/// Keeps all rows in some heads, and only the first `sinks` and the last `recent` rows in the others, the streaming
/// heads: the share `ratio` of all KV heads of the model, those with the lowest scores. Scores per layer and KV head
/// come from a file; the paper learns them, kvpress can also estimate them. Xiao et al., "DuoAttention: Efficient
/// Long-Context LLM Inference with Retrieval and Streaming Heads", arXiv:2410.10819.
struct DuoAttention {
  static constexpr std::string_view name = "duo_attention", kvpress_name = "DuoAttention", paper = "arXiv:2410.10819";
  std::optional<double> ratio = {};  ///< the share of streaming heads, 0 to 1; none: the budget's ratio
  int sinks = 128;                   ///< first rows that a streaming head keeps
  int recent = 256;                  ///< last rows that a streaming head keeps
  std::string file = {};             ///< a file with the tensor head_scores, [layers, kv_heads]; must be given
  Matrix<float> pattern = {};        ///< head_scores, [layers, kv_heads], as load() read them
  static constexpr auto parameters() {
    using Self = DuoAttention;
    return std::tuple(Parameter{"ratio", &Self::ratio, "head_compression_ratio"},
                      Parameter{"sinks", &Self::sinks, "sink_size"}, Parameter{"recent", &Self::recent, "recent_size"},
                      Parameter{"file", &Self::file});
  }
  void validate() const {
    if (ratio) detail::expect_between(name, "ratio", 0, 1, *ratio);
    detail::expect_at_least(name, "sinks", 0, sinks);
    detail::expect_at_least(name, "recent", 0, recent);
  }
  void load(const TensorReader& read) {
    if (file.empty()) throw Error("duo_attention: file", "expected the path of a file with head_scores, found none");
    pattern = read(file, "head_scores");
  }

  Traits traits() const { return {.own_budget = ratio.has_value(), .by_ratio = !ratio, .ragged = true}; }
  Needs needs() const { return {}; }
  Index rows(const PressInput& in, const Budget& budget) const {
    const auto streaming = static_cast<Index>(streaming_heads(budget, in).size());
    return in.kv_heads() * in.tokens() - streaming * std::max<Index>(0, in.tokens() - sinks - recent);
  }
  /// Unused: select() does not depend on the tokens.
  void score(const PressInput&, const Budget&, Scores out) const { out.setZero(); }
  Kept select(const PressInput& in, const Budget& budget, MatrixView<const float>) const {
    Kept kept = keep_all(in.kv_heads(), in.tokens());
    if (in.tokens() - sinks - recent > 0)
      for (const std::size_t h : streaming_heads(budget, in))
        kept[h].erase(kept[h].begin() + sinks, kept[h].end() - recent);
    return kept;
  }

 private:
  /// The streaming heads of the layer. If head scores are equal, the later layer and head is the streaming one.
  std::vector<std::size_t> streaming_heads(const Budget& budget, const PressInput& in) const {
    if (pattern.rows() != in.layers || pattern.cols() != in.kv_heads())
      throw Error("duo_attention: head_scores",
                  "expected [" + std::to_string(in.layers) + ", " + std::to_string(in.kv_heads()) + "], found [" +
                      std::to_string(pattern.rows()) + ", " + std::to_string(pattern.cols()) + "]");
    if (budget.exact && !ratio)
      throw Error("duo_attention", "expected a ratio, since whole heads are cut, found a number of rows");
    const Matrix<float> lowest = -pattern;
    const auto size = static_cast<std::size_t>(lowest.size());
    const double count = std::nearbyint(static_cast<double>(size) * ratio.value_or(budget.ratio));
    std::vector<std::size_t> heads;
    for (const Index index : top_k({lowest.data(), size}, static_cast<Index>(count)))
      if (index / in.kv_heads() == in.layer) heads.push_back(static_cast<std::size_t>(index % in.kv_heads()));
    return heads;
  }
};
static_assert(ScorePolicy<DuoAttention>);

}  // namespace kvx::inline v0
