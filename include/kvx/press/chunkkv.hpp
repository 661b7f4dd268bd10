#pragma once

#include <kvx/core/top_k.hpp>
#include <kvx/press/allowance.hpp>
#include <kvx/press/parts/chunk_means.hpp>
#include <kvx/press/parts/expect_scorer.hpp>
#include <kvx/press/parts/expect_value.hpp>
#include <kvx/press/policy.hpp>
#include <kvx/press/select.hpp>

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <span>
#include <string_view>
#include <tuple>
#include <vector>

namespace kvx::inline v0 {

/// Keeps whole chunks of `length` tokens: those with the highest mean score over their tokens and all heads, the same
/// chunks in all heads. As in kvpress, a ratio counts chunks, of which the last may be shorter, and a context shorter
/// than one chunk is selected by row. For an exact number of rows, the last chunk taken keeps only its best rows. The
/// paper also lets neighboring layers share their chunks. Liu et al., "ChunkKV: Semantic-Preserving KV Cache
/// Compression for Efficient Long-Context LLM Inference", arXiv:2502.00299.
template <ScorePolicy P>
struct ChunkKV {
  static constexpr std::string_view name = "chunkkv", paper = "arXiv:2502.00299";
  P inner = {};     ///< the press that scores the rows
  int length = 20;  ///< tokens per chunk
  static constexpr auto parameters() { return std::tuple(Parameter{"length", &ChunkKV::length, "chunk_length"}); }
  void validate() const {
    detail::expect_at_least(name, "length", 1, length);
    detail::expect_only_scores(name, inner);
  }

  Index rows(const PressInput& in, const Budget& budget) const {
    if (budget.exact || in.tokens() < length) return in.kv_heads() * budget.keep;
    return in.kv_heads() * std::min(in.tokens(), chunks(budget, in.tokens()) * length);
  }
  Kept select(const PressInput& in, const Budget& budget, MatrixView<const float> scores) const {
    if (in.tokens() < length) return keep_best(scores, budget.keep);
    const Matrix<float> sums = scores.colwise().sum();  // of all heads, [1, tokens]
    if (budget.exact) return Kept(static_cast<std::size_t>(in.kv_heads()), best_rows(sums, budget.keep));
    std::vector<Index> rows;
    for (const Index chunk : top_k(detail::chunk_means(sums, length), chunks(budget, in.tokens())))
      for (Index j = chunk * length; j < std::min((chunk + 1) * length, in.tokens()); ++j) rows.push_back(j);
    return Kept(static_cast<std::size_t>(in.kv_heads()), rows);
  }

 private:
  Index chunks(const Budget& budget, Index tokens) const {
    return kept_rows((tokens + length - 1) / length, budget.ratio);
  }
  /// Exactly `keep` rows: whole chunks by descending mean score (if equal, the newer first), then the best rows of the
  /// next chunk.
  std::vector<Index> best_rows(const Matrix<float>& sums, Index keep) const {
    const std::span<const float> all(sums.data(), static_cast<std::size_t>(sums.size()));
    const auto size = static_cast<std::size_t>(length);
    const std::vector<float> means = detail::chunk_means(sums, length);
    std::vector<std::size_t> order(means.size());
    std::iota(order.rbegin(), order.rend(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return means[a] > means[b]; });
    std::vector<Index> rows;
    for (const std::size_t chunk : order) {
      const auto part = all.subspan(chunk * size, std::min(size, all.size() - chunk * size));
      for (const Index j : top_k(part, keep - std::ssize(rows))) rows.push_back(static_cast<Index>(chunk * size) + j);
    }
    std::sort(rows.begin(), rows.end());
    return rows;
  }
};

}  // namespace kvx::inline v0
