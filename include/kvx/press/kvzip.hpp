#pragma once

#include <kvx/core/error.hpp>
#include <kvx/core/top_k.hpp>
#include <kvx/press/parts/best_together.hpp>
#include <kvx/press/parts/expect_value.hpp>
#include <kvx/press/policy.hpp>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace kvx::inline v0 {

/// Keeps the rows that the model attends to when it is asked to repeat its context, which takes a second pass over the
/// context. The score of a row is the highest attention that it gets from any query of that pass. All heads of all
/// layers share one budget, or, with `layerwise`, all heads of a layer. Each head keeps at least its best row; in
/// kvpress a head may lose all its rows. Kim et al., "KVzip: Query-Agnostic KV Cache Compression with Context
/// Reconstruction", arXiv:2505.23416.
struct KVzip {
  static constexpr std::string_view name = "kvzip", paper = "arXiv:2505.23416";
  bool layerwise = false;  ///< whether each layer has a budget of its own
  int sinks = 4;           ///< tokens at the beginning that stay
  bool normalize = false;  ///< KVzip+: attention is multiplied by the norm of W_O v over that of the hidden state
  int chunk = 2048;        ///< tokens of the context that are repeated at a time
  static constexpr auto parameters() {
    return std::tuple(Parameter{"layerwise", &KVzip::layerwise}, Parameter{"sinks", &KVzip::sinks, "n_sink"},
                      Parameter{"normalize", &KVzip::normalize, "kvzip_plus_normalization"},
                      Parameter{"chunk", &KVzip::chunk, "chunk_size"});
  }
  void validate() const {
    detail::expect_at_least(name, "sinks", 0, sinks);
    detail::expect_at_least(name, "chunk", 1, chunk);
  }

  Traits traits() const { return {.ragged = true, .outermost = true}; }
  Needs needs() const { return {.repetition = Repetition{chunk, sinks, normalize}}; }
  Index rows(const PressInput& in, const Budget& budget) const {
    return std::max(in.kv_heads(), rows_to_keep(in.kv_heads(), in.tokens(), budget));
  }
  void score(const PressInput& in, const Budget&, Scores out) const {
    std::copy(in.repeated.begin(), in.repeated.end(), out.data());
    out.leftCols(std::min<Index>(sinks, in.tokens())).setConstant(std::numeric_limits<float>::max());
  }
  Kept select(const PressInput& in, const Budget& budget, MatrixView<const float> scores) const {
    if (!layerwise && in.layers > 1)
      throw Error(name, "expected layerwise=true or select_layers(), since all layers share a budget, found layer " +
                            std::to_string(in.layer) + " of " + std::to_string(in.layers));
    const Matrix<float> layer = scores;
    return select_together({&layer, 1}, budget).front();
  }
  std::vector<Kept> select_layers(const Budget& budget, std::span<const Matrix<float>> scores) const {
    if (!layerwise) return select_together(scores, budget);
    std::vector<Kept> kept;
    for (const Matrix<float>& layer : scores) kept.push_back(select_together({&layer, 1}, budget).front());
    return kept;
  }

 private:
  /// The number of rows that stay in `heads` heads that share a budget. For a ratio, the number of rows that are
  /// evicted is rounded down, as in kvpress, not the number of those that stay.
  static Index rows_to_keep(Index heads, Index tokens, const Budget& budget) {
    if (budget.exact) return heads * budget.keep;
    const Index rows = heads * tokens;
    return rows - static_cast<Index>(static_cast<double>(rows) * budget.ratio);
  }
  /// The rows of each layer that stay if all heads of these layers share a budget.
  static std::vector<Kept> select_together(std::span<const Matrix<float>> scores, const Budget& budget) {
    const Index heads = scores.front().rows(), tokens = scores.front().cols();
    Matrix<float> all(static_cast<Index>(scores.size()) * heads, tokens);
    for (std::size_t l = 0; l < scores.size(); ++l) all.middleRows(static_cast<Index>(l) * heads, heads) = scores[l];
    for (Index h = 0; h < all.rows(); ++h)
      for (const Index best : top_k({all.row(h).data(), static_cast<std::size_t>(tokens)}, 1))
        all(h, best) = kProtected;
    Kept rows = detail::best_together(all, std::max(all.rows(), rows_to_keep(all.rows(), tokens, budget)));
    std::vector<Kept> layers;
    for (auto head = rows.begin(); head != rows.end(); head += heads)
      layers.emplace_back(std::make_move_iterator(head), std::make_move_iterator(head + heads));
    return layers;
  }
};
static_assert(ScorePolicy<KVzip>);

}  // namespace kvx::inline v0
