#pragma once

#include <kvx/cache/sequence_cache.hpp>
#include <kvx/core/error.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/core/threads.hpp>
#include <kvx/core/token.hpp>
#include <kvx/model/decoder.hpp>
#include <kvx/model/forward.hpp>
#include <kvx/model/sampler.hpp>
#include <kvx/model/workspace.hpp>

#include <array>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// Decodes one sequence; the first token is sampled from `first_logits` [1, vocab]. Ends after one of the model's stop
/// tokens, after `max_new_tokens` or at the model's last position. Calls on_token(Token) after each token, and returns
/// all tokens, including the stop token. Throws NotApplicable if the press cannot go on.
template <class OnToken>
std::vector<Token> generate(const Decoder& model, SequenceCache& sequence, const Matrix<float>& first_logits,
                            Sampler& sampler, Index max_new_tokens, Threads& threads, OnToken&& on_token) {
  std::vector<Token> tokens;
  Workspace work;
  std::span<const float> logits(first_logits.data(), static_cast<std::size_t>(first_logits.cols()));
  while (static_cast<Index>(tokens.size()) < max_new_tokens) {
    if (const NotApplicable* const failure = sequence.failure()) throw *failure;
    const Token token = sampler(logits);
    tokens.push_back(token);
    on_token(token);
    if (model.config().is_stop(token)) break;
    if (static_cast<Index>(tokens.size()) == max_new_tokens) break;
    if (sequence.next_position == model.config().max_positions) break;
    const std::array<Step, 1> step = {Step{&sequence, {&tokens.back(), 1}}};
    logits = {forward(model, step, work, threads).data(), logits.size()};
  }
  return tokens;
}

}  // namespace kvx::inline v0
