#pragma once

#include <kvx/core/error.hpp>
#include <kvx/press/allowance.hpp>
#include <kvx/press/parts/expect_value.hpp>
#include <kvx/press/parts/renumber.hpp>
#include <kvx/press/parts/window_attention.hpp>
#include <kvx/press/policy.hpp>
#include <kvx/press/select.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace kvx::inline v0 {

/// Keeps the last `window` rows, which hold the question, and the rows with the highest mean attention of these rows'
/// queries. A query's attention is first multiplied by the number of tokens before it, since it is spread over as many.
/// The rows that stay are then numbered from 0 on, and their keys are rotated to these positions. The paper prefills
/// chunk by chunk; as in kvpress, `chunk` instead selects from each chunk of rows separately, after one prefill.
/// kvpress finds the window by a delimiter token; here it is a number of tokens. Corallo, Papotti, "FINCH:
/// Prompt-guided Key-Value Cache Compression for Large Language Models", arXiv:2408.00167.
struct Finch {
  static constexpr std::string_view name = "finch", paper = "arXiv:2408.00167";
  int window = 64;                          ///< the number of last tokens, whose queries score the rows before them
  std::optional<int> chunk = std::nullopt;  ///< tokens per chunk that rows are selected from; none: the whole context
  bool normalize = true;  ///< whether a query's attention is multiplied by the number of tokens before it
  bool rerotate = true;   ///< whether the rows that stay are renumbered and their keys rotated
  static constexpr auto parameters() {
    return std::tuple(Parameter{"window", &Finch::window, "window_size"},
                      Parameter{"chunk", &Finch::chunk, "chunk_length"},
                      Parameter{"normalize", &Finch::normalize, "normalize_scores"},
                      Parameter{"rerotate", &Finch::rerotate, "rerotate_keys"});
  }
  void validate() const {
    detail::expect_at_least(name, "window", 1, window);
    if (chunk) detail::expect_at_least(name, "chunk", 1, *chunk);
  }

  Traits traits() const { return {.dense_positions = rerotate}; }
  Needs needs() const { return {.queries = window}; }
  Index rows(const PressInput& in, const Budget& budget) const {
    Index rows = 0;
    each_chunk(in.tokens(),
               [&](Index first, Index length) { rows += kept_of_part(budget, first, length, in.tokens()); });
    return rows * in.kv_heads();
  }
  void score(const PressInput& in, const Budget&, Scores out) const {
    const Index scored = in.tokens() - window;
    if (scored <= 0)
      throw NotApplicable("finch", "a context of " + std::to_string(in.tokens()) +
                                       " tokens is not longer than its window of " + std::to_string(window));
    std::vector<float> weights = detail::mean_weights(in);
    for (Index t = 0; normalize && t < window; ++t)
      weights[static_cast<std::size_t>(t)] *= static_cast<float>(scored + t);
    out.setZero();
    for (Index h = 0; h < in.kv_heads(); ++h) detail::add_window_attention(in, h, weights, out.row(h).data());
    out.rightCols(window).setConstant(out.leftCols(scored).maxCoeff() + 1);
  }
  Kept select(const PressInput& in, const Budget& budget, MatrixView<const float> scores) const {
    Kept kept(static_cast<std::size_t>(in.kv_heads()));
    each_chunk(in.tokens(), [&](Index first, Index length) {
      const auto part = view(scores.data() + first, scores.rows(), length, scores.outerStride());
      const Kept best = keep_best(part, kept_of_part(budget, first, length, in.tokens()));
      for (std::size_t h = 0; h < kept.size(); ++h)
        for (const Index j : best[h]) kept[h].push_back(first + j);
    });
    return kept;
  }
  bool edits() const { return rerotate; }
  void edit(const PressInput& in, Index, std::span<const Index>, HeadRows rows) const {
    if (rerotate) detail::renumber(in.inv_freq, rows);
  }

 private:
  template <class F>
  void each_chunk(Index tokens, F&& f) const {
    const Index step = chunk.value_or(static_cast<int>(tokens));
    for (Index first = 0; first < tokens; first += step) f(first, std::min(step, tokens - first));
  }
};
static_assert(ScorePolicy<Finch>);

}  // namespace kvx::inline v0
