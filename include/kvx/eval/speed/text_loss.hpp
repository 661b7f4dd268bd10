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

/// How well a text is predicted.
struct TextLoss {
  double nll = 0;          ///< summed, in nats
  std::size_t tokens = 0;  ///< that were predicted

  double perplexity() const { return std::exp(nll / static_cast<double>(tokens)); }
};

/// Predicts the second half of each whole window of `window` tokens, at most `windows` of them, after its first half.
/// Calls on_progress(share done) after each. Throws Error for a text shorter than a window.
inline TextLoss text_loss(const Decoder& model, std::span<const Token> tokens, std::size_t window, std::size_t windows,
                          Dtype cache_dtype, Threads& threads, const std::function<void(double)>& on_progress = {}) {
  windows = std::min(windows, tokens.size() / window);
  if (windows == 0)
    throw Error("text",
                "expected at least " + std::to_string(window) + " tokens, found " + std::to_string(tokens.size()));
  TextLoss loss;
  for (std::size_t w = 0; w < windows; ++w) {
    const auto half = tokens.subspan(w * window, window / 2),
               rest = tokens.subspan(w * window + window / 2, window - window / 2);
    const auto context = compress(model, half, AnyPolicy(None()), Allowance::of_ratio(0), cache_dtype, threads);
    std::array<SequenceCache, 1> sequence = {context.start};
    const auto likelihoods = suffix_likelihood(model, sequence, rest, threads);
    for (const TokenLikelihood& token : likelihoods.front()) loss.nll += token.nll;
    loss.tokens += rest.size() - 1;
    if (on_progress) on_progress(static_cast<double>(w + 1) / static_cast<double>(windows));
  }
  return loss;
}

}  // namespace kvx::inline v0
