#pragma once

#include <kvx/press/allowance.hpp>
#include <kvx/press/parts/expect_value.hpp>
#include <kvx/press/parts/gathered_input.hpp>
#include <kvx/press/policy.hpp>
#include <kvx/press/select.hpp>

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <string_view>
#include <tuple>

namespace kvx::inline v0 {

/// Cuts the context into chunks of `length` tokens, scores each chunk as if it were the whole context, and keeps the
/// same share of each chunk. As in kvpress, a chunk's last queries are rotated to the last positions of the context. A
/// press that needs more tokens than the last chunk has is not applicable. FINCH selects chunk by chunk: Corallo,
/// Papotti, "FINCH: Prompt-guided Key-Value Cache Compression for Large Language Models", arXiv:2408.00167.
template <ScorePolicy P>
struct Chunk {
  static constexpr std::string_view name = "chunk", paper = "arXiv:2408.00167";
  P inner = {};       ///< the press that scores the rows
  int length = 1024;  ///< tokens per chunk; the last chunk may be shorter
  static constexpr auto parameters() { return std::tuple(Parameter{"length", &Chunk::length, "chunk_length"}); }
  void validate() const {
    detail::expect_at_least(name, "length", 1, length);
    detail::expect_gatherable(name, inner);
  }

  Needs needs() const { return detail::needs_to_gather(Hooks(inner).needs()); }
  Index rows(const PressInput& in, const Budget& budget) const {
    Index rows = 0;
    each_chunk(in.tokens(), [&](Index first, Index count) { rows += kept_of_part(budget, first, count, in.tokens()); });
    return rows * in.kv_heads();
  }
  void score(const PressInput& in, const Budget& budget, Scores out) const {
    out.setZero();
    each_chunk(in.tokens(), [&](Index first, Index count) {
      const Index keep = kept_of_part(budget, first, count, in.tokens());
      // With a budget of less than a row per chunk, only a chunk that may hold protected rows is scored.
      if (keep == 0 && !Hooks(inner).traits().by_position) return;
      Kept rows = keep_all(in.kv_heads(), count);
      for (auto& head : rows) std::iota(head.begin(), head.end(), first);
      const detail::GatheredInput part(in, Hooks(inner).needs(), rows);
      Hooks(inner).score(*part, keep == 0 ? Budget{0, count, true} : Budget{budget.ratio, keep, budget.exact},
                         view(out.data() + first, out.rows(), count, out.outerStride()));
    });
  }
  Kept select(const PressInput& in, const Budget& budget, MatrixView<const float> scores) const {
    Kept kept(static_cast<std::size_t>(in.kv_heads()));
    each_chunk(in.tokens(), [&](Index first, Index count) {
      const auto part = view(scores.data() + first, scores.rows(), count, scores.outerStride());
      const Kept best = keep_best(part, kept_of_part(budget, first, count, in.tokens()));
      for (std::size_t h = 0; h < kept.size(); ++h)
        for (const Index j : best[h]) kept[h].push_back(first + j);
    });
    return kept;
  }

 private:
  template <class F>
  void each_chunk(Index tokens, F&& f) const {
    for (Index first = 0; first < tokens; first += length) f(first, std::min<Index>(length, tokens - first));
  }
};

}  // namespace kvx::inline v0
