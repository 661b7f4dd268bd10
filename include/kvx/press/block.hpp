#pragma once

#include <kvx/press/parts/expect_value.hpp>
#include <kvx/press/parts/gathered_input.hpp>
#include <kvx/press/policy.hpp>
#include <kvx/press/select.hpp>

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <tuple>
#include <utility>

namespace kvx::inline v0 {

/// Evicts as if the context came in blocks of `block` tokens: the rows kept so far and the next block are scored
/// together by the wrapped press, and the best stay. As in kvpress, the first rows fill the cache without being scored,
/// and keys and queries are those of one prefill. A row that stays gets the score 1 (kProtected if the wrapped press
/// protects it), and any other row 0. Park et al., "KeyDiff: Key Similarity-Based KV Cache Eviction for Long-Context
/// LLM Inference in Resource-Constrained Environments", arXiv:2504.15364, uses KeyDiff in this way.
template <ScorePolicy P>
struct Block {
  static constexpr std::string_view name = "block", paper = "arXiv:2504.15364";
  P inner = {};     ///< the press that scores the rows
  int block = 128;  ///< tokens per block
  static constexpr auto parameters() { return std::tuple(Parameter{"block", &Block::block, "block_size"}); }
  void validate() const {
    detail::expect_at_least(name, "block", 1, block);
    detail::expect_gatherable(name, inner);
  }

  Traits traits() const { return {.scores_by_budget = true}; }
  Needs needs() const { return detail::needs_to_gather(Hooks(inner).needs()); }
  void score(const PressInput& in, const Budget& budget, Scores out) const {
    Kept kept = keep_all(in.kv_heads(), budget.keep);
    out.setZero();
    out.leftCols(budget.keep).setOnes();
    for (Index first = budget.keep; first < in.tokens(); first += block) {
      for (auto& rows : kept)
        for (Index j = first; j < std::min(first + block, in.tokens()); ++j) rows.push_back(j);
      const detail::GatheredInput part(in, Hooks(inner).needs(), kept);
      Matrix<float> scores(out.rows(), (*part).tokens());
      Hooks(inner).score(*part, budget, view(scores));
      const Kept best = keep_best(view(std::as_const(scores)), budget.keep);
      out.setZero();
      for (Index h = 0; h < out.rows(); ++h) {
        auto& rows = kept[static_cast<std::size_t>(h)];
        std::size_t count = 0;
        for (const Index j : best[static_cast<std::size_t>(h)]) {
          rows[count] = rows[static_cast<std::size_t>(j)];
          out(h, rows[count++]) = scores(h, j) == kProtected ? kProtected : 1;
        }
        rows.resize(count);
      }
    }
  }
};

}  // namespace kvx::inline v0
