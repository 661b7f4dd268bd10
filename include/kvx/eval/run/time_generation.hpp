#pragma once

#include <kvx/core/dtype.hpp>
#include <kvx/core/error.hpp>
#include <kvx/core/threads.hpp>
#include <kvx/core/token.hpp>
#include <kvx/core/token_span.hpp>
#include <kvx/eval/run/cell.hpp>
#include <kvx/model/compress.hpp>
#include <kvx/model/decoder.hpp>
#include <kvx/model/forward.hpp>
#include <kvx/model/pressed_allowance.hpp>
#include <kvx/model/repeat_context.hpp>
#include <kvx/model/sampler.hpp>
#include <kvx/model/workspace.hpp>
#include <kvx/score/task.hpp>

#include <chrono>
#include <cstddef>
#include <span>

namespace kvx::inline v0 {

/// How long a generation took, and the size of its context's cache.
struct TimedGeneration {
  GenerationTimes times;
  std::size_t kept_bytes = 0, full_bytes = 0;
  double ratio = 0;  ///< the share of the rows that was removed from the layers without a window
};

/// Prefills and compresses a context, and generates `count` tokens after it, greedily and without stopping at end
/// tokens. Throws NotApplicable as compress() does.
inline TimedGeneration time_generation(const Decoder& model, std::span<const Token> context, const Cell& cell,
                                       Index count, Dtype dtype, Threads& threads, const RepeatPrompt& repeat,
                                       std::span<const NamedSpan> spans = {}) {
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  const auto seconds = [&] { return std::chrono::duration<double>(Clock::now() - start).count(); };
  TimedGeneration timed;
  CompressedContext compressed =
      compress(model, context, cell.policy, cell.allowance, dtype, threads, {}, repeat, spans);
  timed.times.prefill = seconds();
  timed.times.tokens = static_cast<std::size_t>(count);
  timed.kept_bytes = compressed.start.bytes();
  timed.full_bytes = compressed.full_bytes;
  timed.ratio = removed_share(model.config(), static_cast<Index>(context.size()),
                              compressed.start.prefix->rows() + compressed.start.tail.rows());
  Sampler greedy({});
  Workspace work;
  Token token = greedy({compressed.logits.data(), static_cast<std::size_t>(compressed.logits.cols())});
  timed.times.first_token = seconds();
  for (Index i = 1; i < count; ++i) {
    const Step step{&compressed.start, {&token, 1}};
    const auto logits = forward(model, {&step, 1}, work, threads);
    if (const NotApplicable* const failure = compressed.start.failure()) throw *failure;
    token = greedy({logits.data(), static_cast<std::size_t>(logits.cols())});
  }
  timed.times.decode = seconds() - timed.times.first_token;
  return timed;
}

}  // namespace kvx::inline v0
