#pragma once

#include <kvx/cache/sequence_cache.hpp>
#include <kvx/core/dtype.hpp>
#include <kvx/core/error.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/core/threads.hpp>
#include <kvx/core/token.hpp>
#include <kvx/model/compress.hpp>
#include <kvx/model/decoder.hpp>
#include <kvx/model/likelihood.hpp>
#include <kvx/press/none.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <functional>
#include <span>
#include <string>

namespace kvx::inline v0 {

/// The loss of a model on a text.
struct TextLoss {
  double nll = 0;          ///< summed, in nats
  std::size_t tokens = 0;  ///< number of predicted tokens

  double perplexity() const { return std::exp(nll / static_cast<double>(tokens)); }
};

/// Predicts the second half of each window of `window` tokens after its first half, for at most `windows` windows.
/// Tokens left over at the end are not used. Calls on_progress(share of windows done) after each window. Throws Error
/// for a text shorter than a window.
inline TextLoss text_loss(const Decoder& model, std::span<const Token> tokens, std::size_t window, std::size_t windows,
                          Dtype cache_dtype, Threads& threads, const std::function<void(double)>& on_progress = {}) {
  windows = std::min(windows, tokens.size() / window);
  if (windows == 0)
    throw Error("text",
                "expected at least " + std::to_string(window) + " tokens, found " + std::to_string(tokens.size()));
  TextLoss loss;
  for (std::size_t w = 0; w < windows; ++w) {
    const auto first_half = tokens.subspan(w * window, window / 2),
               second_half = tokens.subspan(w * window + window / 2, window - window / 2);
    const auto context = compress(model, first_half, AnyPolicy(None()), Allowance::of_ratio(0), cache_dtype, threads);
    std::array<SequenceCache, 1> sequence = {context.start};
    const auto likelihoods = suffix_likelihood(model, sequence, second_half, threads);
    for (const TokenLikelihood& token : likelihoods.front()) loss.nll += token.nll;
    loss.tokens += second_half.size() - 1;
    if (on_progress) on_progress(static_cast<double>(w + 1) / static_cast<double>(windows));
  }
  return loss;
}

}  // namespace kvx::inline v0
