#pragma once

#include <kvx/core/tensor_view.hpp>
#include <kvx/core/threads.hpp>
#include <kvx/core/token.hpp>
#include <kvx/model/decoder.hpp>
#include <kvx/model/forward.hpp>
#include <kvx/model/likelihood.hpp>
#include <kvx/model/sampler.hpp>
#include <kvx/model/workspace.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

namespace kvx::inline v0 {

/// A row of hidden states after which a token is predicted, and how the token is chosen.
struct PredictedRow {
  Index row;
  Sampler* sampler;  ///< greedy if its sequence has several rows
};

/// A predicted token.
struct PredictedToken {
  Token token;
  double entropy;  ///< in nats, of the distribution that the token was chosen from; 0 if it was not requested
};

/// Predicts the tokens after the rows of `hidden` that `rows` lists, in their order, and writes them to `predicted`. At
/// most 64 rows of logits are in memory at a time. Throws Error for logits that are not finite.
inline void predict_tokens(const Decoder& model, MatrixView<float> hidden, std::span<const PredictedRow> rows,
                           bool has_entropy, std::vector<PredictedToken>& predicted, Workspace& work,
                           Threads& threads) {
  constexpr std::size_t kLogitRows = 64;
  predicted.resize(rows.size());
  for (std::size_t first = 0; first < rows.size(); first += kLogitRows) {
    const std::size_t count = std::min(kLogitRows, rows.size() - first);
    auto ends = work.ends.rows(static_cast<Index>(count), hidden.cols());
    for (std::size_t i = 0; i < count; ++i) ends.row(static_cast<Index>(i)) = hidden.row(rows[first + i].row);
    const auto logits = model.logits(read_only(ends), work, threads, [&](Index row) {
      return detail::place_in_batch(work, rows[first + static_cast<std::size_t>(row)].row);
    });
    threads.parallel_for(logits.rows(), 1, [&](Index begin, Index end) {
      for (Index i = begin; i < end; ++i) {
        const std::size_t at = first + static_cast<std::size_t>(i);
        const std::span<const float> row(logits.row(i).data(), static_cast<std::size_t>(logits.cols()));
        predicted[at] = {(*rows[at].sampler)(row), has_entropy ? entropy(row) : 0};
      }
    });
  }
}

}  // namespace kvx::inline v0
