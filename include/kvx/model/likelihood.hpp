#pragma once

#include <kvx/cache/sequence_cache.hpp>
#include <kvx/core/scratch.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/core/threads.hpp>
#include <kvx/core/token.hpp>
#include <kvx/kernels/row_kernels.hpp>
#include <kvx/model/decoder.hpp>
#include <kvx/model/forward.hpp>
#include <kvx/model/workspace.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

namespace kvx::inline v0 {

/// How a given token was predicted, in nats.
struct TokenLikelihood {
  double nll = 0;        ///< -ln p(token)
  double kl = 0;         ///< KL(base || this), where both distributions predict the token
  bool same_top = true;  ///< whether both distributions have the same most likely token
};

namespace detail {

struct Probabilities;

/// A row of logits and its softmax.
struct Prediction {
  std::span<const float> logits;
  const float* probabilities;
  std::size_t top;
  double log_sum;  // of exp(logits)

  Prediction(std::span<const float> row, float* memory) : logits(row), probabilities(memory) {
    std::copy(row.begin(), row.end(), memory);
    row_kernels().softmax(memory, static_cast<Index>(row.size()));
    top = static_cast<std::size_t>(std::max_element(row.begin(), row.end()) - row.begin());
    log_sum = static_cast<double>(row[top]) - std::log(static_cast<double>(memory[top]));
  }
  double log_probability(std::size_t token) const { return static_cast<double>(logits[token]) - log_sum; }
};

inline double kl_divergence(const Prediction& base, const Prediction& other) {
  double sum = 0;
  for (std::size_t i = 0; i < base.logits.size(); ++i)
    sum += static_cast<double>(base.probabilities[i]) * static_cast<double>(base.logits[i] - other.logits[i]);
  const double divergence = sum - base.log_sum + other.log_sum;
  return divergence < 0 ? 0 : divergence;  // rounding can make it negative; NaN stays NaN
}

}  // namespace detail

/// The entropy, in nats, of the softmax of logits.
inline double entropy(std::span<const float> logits) {
  const detail::Prediction prediction(logits, detail::scratch<detail::Probabilities, float>(logits.size()));
  double sum = 0;
  for (std::size_t i = 0; i < logits.size(); ++i)
    sum += static_cast<double>(prediction.probabilities[i]) * static_cast<double>(logits[i]);
  const double entropy = prediction.log_sum - sum;
  return entropy < 0 ? 0 : entropy;  // rounding can make it negative; NaN stays NaN
}

/// Feeds all `tokens` except the last to each sequence, whose cache grows by them. Returns how each token except the
/// first was predicted, [sequences, tokens - 1]; the first is predicted by the logits of the context. All sequences run
/// as one batch, and the first of them is the base that the others are compared with. The bits of a sequence's
/// likelihoods do not depend on the other sequences, except for the base. Throws Error like forward().
inline std::vector<std::vector<TokenLikelihood>> suffix_likelihood(const Decoder& model,
                                                                   std::span<SequenceCache> sequences,
                                                                   std::span<const Token> tokens, Threads& threads) {
  constexpr std::size_t kRows = 512, kLogitRows = 64;  // the most rows of a step, and of logits, at a time
  std::vector<std::vector<TokenLikelihood>> likelihoods(sequences.size());
  if (sequences.empty() || tokens.empty()) return likelihoods;
  for (auto& of_sequence : likelihoods) of_sequence.resize(tokens.size() - 1);
  model.check(tokens, sequences.front().next_position);
  const std::size_t step_tokens = std::max<std::size_t>(1, kRows / sequences.size()),
                    logit_tokens = std::max<std::size_t>(1, kLogitRows / sequences.size());
  Workspace work;
  std::vector<Step> steps;
  for (std::size_t first = 0; first + 1 < tokens.size(); first += step_tokens) {
    const auto part = tokens.subspan(first, std::min(step_tokens, tokens.size() - 1 - first));
    steps.clear();
    for (SequenceCache& sequence : sequences) steps.push_back({&sequence, part});
    auto hidden = forward_hidden(model, steps, work, threads);  // [sequences, tokens of the part]
    for (std::size_t begin = 0; begin < part.size(); begin += logit_tokens) {
      const std::size_t count = std::min(logit_tokens, part.size() - begin);
      auto ends = work.ends.rows(static_cast<Index>(count * sequences.size()), hidden.cols());  // [count, sequences]
      for (std::size_t i = 0; i < count; ++i)
        for (std::size_t s = 0; s < sequences.size(); ++s)
          ends.row(static_cast<Index>(i * sequences.size() + s)) =
              hidden.row(static_cast<Index>(s * part.size() + begin + i));
      const auto logits = model.logits(read_only(ends), work, threads, [&](Index row) {
        const auto i = static_cast<std::size_t>(row) / sequences.size(),
                   s = static_cast<std::size_t>(row) % sequences.size();
        return detail::place_in_batch(work, static_cast<Index>(s * part.size() + begin + i));
      });
      const auto vocabulary = static_cast<std::size_t>(logits.cols());
      threads.parallel_for(static_cast<Index>(count), 1, [&](Index from, Index to) {
        float* const memory = detail::scratch<detail::Probabilities, float>(2 * vocabulary);
        for (auto i = static_cast<std::size_t>(from); i < static_cast<std::size_t>(to); ++i) {
          const auto token = static_cast<std::size_t>(tokens[first + begin + i + 1]);
          const auto predict = [&](std::size_t s, float* probabilities) {
            return detail::Prediction({logits.data() + (i * sequences.size() + s) * vocabulary, vocabulary},
                                      probabilities);
          };
          const detail::Prediction base = predict(0, memory);
          for (std::size_t s = 0; s < sequences.size(); ++s) {
            const detail::Prediction prediction = s == 0 ? base : predict(s, memory + vocabulary);
            likelihoods[s][first + begin + i] = {-prediction.log_probability(token),
                                                 detail::kl_divergence(base, prediction), prediction.top == base.top};
          }
        }
      });
    }
  }
  return likelihoods;
}

}  // namespace kvx::inline v0
