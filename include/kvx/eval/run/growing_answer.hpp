#pragma once

#include <kvx/cache/sequence_cache.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/core/token.hpp>
#include <kvx/eval/run/grid_job.hpp>
#include <kvx/eval/run/predict_tokens.hpp>
#include <kvx/model/config.hpp>
#include <kvx/model/forward.hpp>
#include <kvx/model/sampler.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

namespace kvx::inline v0 {

/// An answer while it is decoded, step by step. A step feeds the question or the last token and, if there is a draft of
/// the answer, several of the draft's tokens, which are proposals: those after a wrong one are removed again.
struct GrowingAnswer {
  static constexpr Index kFirstProposal = 4;  ///< tokens of a draft that the first step feeds
  static constexpr Index kMostProposed = 16;  ///< tokens of a draft that any step feeds at most

  const ModelConfig& config;
  const Question& question;
  SequenceCache sequence;
  Sampler sampler;
  bool has_entropy;  ///< whether `entropy` is recorded
  std::vector<Token> tokens = {};
  std::vector<double> entropy = {};
  std::span<const Token> draft = {};  ///< empty once the answer differs from it
  Index proposed = kFirstProposal;    ///< number of tokens of the draft to feed in the next step
  std::vector<Token> fed = {};        ///< the question or the last token, then the proposed tokens

  /// The next step, which counts the proposed tokens as steps. It refers to this object.
  Step next_step() {
    const std::span<const Token> pending =
        tokens.empty() ? std::span<const Token>(question.tokens) : std::span(tokens).last(1);
    fed.assign(pending.begin(), pending.end());
    const Index proposals = proposals_after(static_cast<Index>(pending.size()));
    if (proposals > 0) {
      const auto next = draft.subspan(tokens.size(), static_cast<std::size_t>(proposals));
      fed.insert(fed.end(), next.begin(), next.end());
    }
    return {&sequence, fed, 1 + proposals};
  }

  /// Appends the tokens that were predicted after the last step, up to and including the first one that differs from
  /// the proposal. Removes the rows of the proposed tokens that were wrong.
  void take(std::span<const PredictedToken> predicted) {
    const auto proposals = std::span(fed).last(predicted.size() - 1);
    std::size_t right = 0;
    for (;; ++right) {
      tokens.push_back(predicted[right].token);
      if (has_entropy) entropy.push_back(predicted[right].entropy);
      if (is_finished(proposals.size() - right) || right == proposals.size() ||
          predicted[right].token != proposals[right])
        break;
    }
    const std::size_t wrong = proposals.size() - right;
    if (wrong > 0) sequence.take_back(static_cast<Index>(wrong));
    if (tokens.size() > draft.size() || tokens.back() != draft[tokens.size() - 1]) draft = {};
    proposed = std::min(2 * proposed, kMostProposed);
  }

  /// Whether the answer is complete. The rows of `wrong` tokens of the last step are still to be removed.
  bool is_finished(std::size_t wrong = 0) const {
    return sequence.failure() != nullptr || static_cast<Index>(tokens.size()) >= question.max_new_tokens ||
           sequence.next_position - static_cast<Position>(wrong) == config.max_positions ||
           config.is_stop(tokens.back());
  }

 private:
  /// The number of tokens of the draft to feed after `pending` tokens.
  Index proposals_after(Index pending) const {
    const auto answered = static_cast<Index>(tokens.size());
    Index count =
        std::min({proposed, static_cast<Index>(draft.size()) - answered, question.max_new_tokens - answered - 1,
                  config.max_positions - static_cast<Index>(sequence.next_position) - pending});
    if (const auto& observer = sequence.observer) count = std::min(count, observer->steps_left(sequence, pending) - 1);
    return std::max(count, Index{0});
  }
};

}  // namespace kvx::inline v0
