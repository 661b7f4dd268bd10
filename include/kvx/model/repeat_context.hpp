#pragma once

#include <kvx/cache/kv_cache.hpp>
#include <kvx/cache/sequence_cache.hpp>
#include <kvx/core/error.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/core/threads.hpp>
#include <kvx/core/token.hpp>
#include <kvx/kernels/row_kernels.hpp>
#include <kvx/model/decoder.hpp>
#include <kvx/model/forward.hpp>
#include <kvx/model/workspace.hpp>
#include <kvx/press/any_policy.hpp>
#include <kvx/press/edit_layer.hpp>
#include <kvx/press/policy.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// The prompts that ask a model to repeat its context, chunk by chunk.
struct RepeatPrompt {
  std::vector<Token> first;   ///< asks for the first chunk
  std::vector<Token> later;   ///< asks for a later chunk; the tokens before that chunk follow
  std::vector<Token> suffix;  ///< ends the request, as in the chat template
  Index prefix = 0;           ///< the chat template's tokens before the context, which are not repeated
};

namespace detail {

/// Scores the rows of a context's chunk by the attention of queries that repeat it.
class RepetitionScores final : public StepObserver {
 public:
  RepetitionScores(const Decoder& model, const Repetition& repetition, std::vector<Matrix<float>>& scores, Index first,
                   Index count)
      : model_(model), repetition_(repetition), scores_(scores), first_(first), count_(count) {}

  std::unique_ptr<StepObserver> clone() const override { return std::make_unique<RepetitionScores>(*this); }

  void after_attention(SequenceCache& sequence, const LayerStep& step, Threads& threads) override {
    constexpr Index kQueries = 32;
    const Index tokens = step.queries.tokens(), kv_heads = model_.config().kv_heads,
                blocks = (tokens + kQueries - 1) / kQueries;
    std::vector<Head> heads(static_cast<std::size_t>(kv_heads));
    threads.parallel_for(kv_heads, 1, [&](Index begin, Index end) {
      for (Index h = begin; h < end; ++h) heads[static_cast<std::size_t>(h)] = head(sequence, step, h);
    });
    std::vector<float> lengths(static_cast<std::size_t>(tokens), 1.0f);
    if (repetition_.normalize)
      for (Index t = 0; t < tokens; ++t)
        lengths[static_cast<std::size_t>(t)] = model_.attention_input_norm(step.layer, step.hidden.row(t).data());
    Matrix<float>& scores = scores_[static_cast<std::size_t>(step.layer)];
    std::mutex mutex;
    threads.parallel_for(kv_heads * blocks, 1, [&](Index begin, Index end) {
      for (Index job = begin; job < end; ++job) {
        const Index h = job / blocks, from = job % blocks * kQueries;
        const auto highest = highest_scores(heads[static_cast<std::size_t>(h)], step, h, from,
                                            std::min(tokens, from + kQueries), lengths);
        const std::lock_guard lock(mutex);
        for (Index j = 0; j < count_; ++j)
          scores(h, first_ + j) = std::max(scores(h, first_ + j), highest[static_cast<std::size_t>(j)]);
      }
    });
  }

 private:
  /// The rows that the queries of one KV head attend to: sinks, the chunk, and the rows of the request.
  struct Head {
    Matrix<float> keys;     // [sinks + chunk + tokens, head_dim]
    Matrix<float> weights;  // [heads of the group, chunk]: the length of what a value adds to the hidden states
  };

  Index sinks() const { return std::min(repetition_.sinks, first_); }

  Head head(const SequenceCache& sequence, const LayerStep& step, Index h) const {
    const Index tokens = step.queries.tokens(), dim = step.queries.head_dim();
    const auto head_of = [&](const KvCache& cache) -> const HeadCache& {
      return cache.layer(step.layer)[static_cast<std::size_t>(h)];
    };
    Head head{Matrix<float>(sinks() + count_ + tokens, dim), {}};
    Matrix<float> chunk_values;
    head_of(*sequence.prefix).visit([&](auto keys, auto values) {
      head.keys.topRows(sinks()) = keys.topRows(sinks()).template cast<float>();
      head.keys.middleRows(sinks(), count_) = keys.middleRows(first_, count_).template cast<float>();
      if (repetition_.normalize) chunk_values = values.middleRows(first_, count_).template cast<float>();
    });
    head_of(sequence.tail).visit([&](auto keys, auto) { head.keys.bottomRows(tokens) = keys.template cast<float>(); });
    if (repetition_.normalize) {
      const Matrix<float> output = model_.output_projection(step.layer);
      const Index group = step.queries.heads() / model_.config().kv_heads;
      head.weights.resize(group, count_);
      for (Index g = 0; g < group; ++g)
        head.weights.row(g) =
            (chunk_values * output.middleCols((h * group + g) * dim, dim).transpose()).rowwise().norm().transpose();
    }
    return head;
  }

  /// The highest score that each row of the chunk gets from queries [from, to) of a KV head.
  std::vector<float> highest_scores(const Head& head, const LayerStep& step, Index h, Index from, Index to,
                                    const std::vector<float>& lengths) const {
    const Index group = step.queries.heads() / model_.config().kv_heads, before = sinks() + count_;
    const float scale = model_.attention(step.layer).scale;
    std::vector<float> highest(static_cast<std::size_t>(count_)), weights(static_cast<std::size_t>(head.keys.rows()));
    for (Index g = 0; g < group; ++g)
      for (Index t = from; t < to; ++t) {
        const Index seen = before + t + 1;
        row_kernels().dot_rows(step.queries.row(h * group + g, t),
                               view(head.keys.data(), seen, head.keys.cols(), head.keys.cols()), scale, weights.data());
        row_kernels().softmax(weights.data(), seen);
        const float* const chunk = weights.data() + sinks();
        for (Index j = 0; j < count_; ++j) {
          const float weight =
              repetition_.normalize ? chunk[j] * head.weights(g, j) / lengths[static_cast<std::size_t>(t)] : chunk[j];
          highest[static_cast<std::size_t>(j)] = std::max(highest[static_cast<std::size_t>(j)], weight);
        }
      }
    return highest;
  }

  const Decoder& model_;
  Repetition repetition_;
  std::vector<Matrix<float>>& scores_;  // per layer [kv_heads, tokens]
  Index first_, count_;                 // the chunk's rows
};

}  // namespace detail

/// Makes the model repeat `tokens`, whose uncompressed cache is `context`. Returns PressInput::repeated of each layer,
/// [kv_heads, tokens]. Throws NotApplicable if a request does not fit in the model's positions after the context.
inline std::vector<Matrix<float>> repeat_context(const Decoder& model, std::shared_ptr<const KvCache> context,
                                                 std::span<const Token> tokens, const Repetition& repetition,
                                                 const RepeatPrompt& prompt, Dtype cache_dtype, Threads& threads) {
  constexpr std::size_t kPreceding = 8;  // tokens before a chunk that the request for it quotes
  const auto count = static_cast<Index>(tokens.size());
  std::vector<Matrix<float>> scores(static_cast<std::size_t>(model.config().layers),
                                    Matrix<float>::Zero(model.config().kv_heads, count));
  Workspace work;
  for (Index first = std::min(prompt.prefix, count); first < count; first += repetition.chunk) {
    const auto chunk = tokens.subspan(static_cast<std::size_t>(first),
                                      static_cast<std::size_t>(std::min(repetition.chunk, count - first)));
    std::vector<Token> request = prompt.first;
    if (first > prompt.prefix) {
      request = prompt.later;
      const auto before = tokens.first(static_cast<std::size_t>(first))
                              .last(std::min(kPreceding, static_cast<std::size_t>(std::min(repetition.chunk, first))));
      request.insert(request.end(), before.begin(), before.end());
    }
    request.insert(request.end(), prompt.suffix.begin(), prompt.suffix.end());
    request.insert(request.end(), chunk.begin(), chunk.end());
    const Index end = count + static_cast<Index>(request.size());
    if (end > model.config().max_positions)
      throw NotApplicable("repetition", "a context of " + std::to_string(count) +
                                            " tokens leaves no room to repeat it among the model's " +
                                            std::to_string(model.config().max_positions) + " positions");
    SequenceCache sequence(context, model.cache_shape(cache_dtype), static_cast<Position>(count));
    sequence.observer =
        std::make_unique<detail::RepetitionScores>(model, repetition, scores, first, static_cast<Index>(chunk.size()));
    const Step step{&sequence, request};
    forward_hidden(model, {&step, 1}, work, threads);
  }
  return scores;
}

/// The scores of each layer, [kv_heads, tokens], by a policy that needs a repetition. Throws NotApplicable for a model
/// with windows, in which not all layers hold all rows of the context.
inline std::vector<Matrix<float>> score_repetition(const AnyPolicy& policy, const Budget& budget, const Decoder& model,
                                                   const std::shared_ptr<const KvCache>& context,
                                                   std::span<const Token> tokens, const RepeatPrompt& prompt,
                                                   Dtype cache_dtype, Threads& threads) {
  if (const ModelConfig& config = model.config(); config.windows() > 0)
    throw NotApplicable(policy.policy_name(), "to repeat a context takes all of its rows, but " +
                                                  std::to_string(config.windows()) + " of the model's " +
                                                  std::to_string(config.layers) + " layers hold only the last " +
                                                  std::to_string(config.sliding_window));
  auto scores = repeat_context(model, context, tokens, *policy.needs().repetition, prompt, cache_dtype, threads);
  for (Index l = 0; l < context->layers(); ++l) {
    FloatRows rows(context->layer(l));
    Matrix<float>& layer = scores[static_cast<std::size_t>(l)];
    const Matrix<float> repeated = layer;
    policy.score({.layer = l,
                  .layers = context->layers(),
                  .keys = rows.keys(),
                  .values = rows.values(),
                  .repeated = {repeated.data(), static_cast<std::size_t>(repeated.size())},
                  .dtype = cache_dtype},
                 budget, view(layer));
  }
  return scores;
}

}  // namespace kvx::inline v0
