#pragma once

#include <kvx/core/error.hpp>
#include <kvx/score/statistics/clustered.hpp>
#include <kvx/score/statistics/estimate.hpp>

#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace kvx::inline v0 {

/// How well base and cell predict the same tokens of one text: summed negative log-likelihoods, in nats.
struct PairedLoss {
  double base_nll = 0, cell_nll = 0;
  std::size_t tokens = 0;
};

/// Perplexities over the same texts.
struct PerplexityChange {
  double base = 0, cell = 0;
  Estimate log_ratio = {};  ///< ln(cell / base), with its interval over texts

  /// The quality that perplexity implies, as a share of the base's: base / cell.
  double quality() const { return std::exp(-log_ratio.value); }
};

namespace detail {

inline void check_losses(std::span<const PairedLoss> texts) {
  if (texts.empty()) throw Error("perplexity", "expected at least 1 text, found none");
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const PairedLoss& text = texts[i];
    const std::string where = "perplexity: text " + std::to_string(i);
    if (text.tokens == 0) throw Error(where, "expected at least 1 predicted token, found none");
    if (!std::isfinite(text.base_nll) || !std::isfinite(text.cell_nll))
      throw Error(where, "expected finite negative log-likelihoods, found " + std::to_string(text.base_nll) + " and " +
                             std::to_string(text.cell_nll));
  }
}

}  // namespace detail

/// The perplexities of base and cell, and the log of their ratio: the mean over tokens with its t_interval(). The
/// clusters are the texts, since the tokens of one text depend on each other. With one token per text, the standard
/// error is the one that llama.cpp's perplexity tool prints for ln(PPL(Q)/PPL(base)). A single text has no interval.
/// Throws Error if there is no text, or if a text has no tokens or a likelihood that is not finite.
inline PerplexityChange perplexity_change(std::span<const PairedLoss> texts) {
  detail::check_losses(texts);
  double base = 0, cell = 0, tokens = 0;
  std::vector<Cluster> changes;
  for (const PairedLoss& text : texts) {
    base += text.base_nll;
    cell += text.cell_nll;
    tokens += static_cast<double>(text.tokens);
    changes.push_back({text.tokens, text.cell_nll - text.base_nll});
  }
  return {std::exp(base / tokens), std::exp(cell / tokens), t_interval(changes)};
}

}  // namespace kvx::inline v0
