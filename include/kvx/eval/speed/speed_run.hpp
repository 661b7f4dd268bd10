#pragma once

#include <kvx/cache/kv_cache.hpp>
#include <kvx/cache/sequence_cache.hpp>
#include <kvx/core/dtype.hpp>
#include <kvx/core/split_mix.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/core/threads.hpp>
#include <kvx/core/token.hpp>
#include <kvx/eval/speed/speed.hpp>
#include <kvx/kernels/isa.hpp>
#include <kvx/kernels/rope.hpp>
#include <kvx/model/config.hpp>
#include <kvx/model/decoder.hpp>
#include <kvx/model/forward.hpp>
#include <kvx/model/prefill.hpp>
#include <kvx/model/workspace.hpp>
#include <kvx/press/policy.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

namespace detail {

inline std::vector<Token> random_tokens(Index count, const ModelConfig& config) {
  SplitMix64 random(static_cast<std::uint64_t>(count));
  std::vector<Token> tokens(static_cast<std::size_t>(count));
  for (Token& token : tokens) token = static_cast<Token>(random.next() % static_cast<std::uint64_t>(config.vocab_size));
  return tokens;
}

/// Prefills `count` random tokens, which may be 0, and returns their cache.
inline std::shared_ptr<const KvCache> random_prefix(const Decoder& model, Index count, Dtype dtype, Threads& threads) {
  auto cache = std::make_shared<KvCache>(model.cache_shape(dtype));
  const auto keep = [&](const PressInput& in, LayerCache rows) { cache->layer(in.layer) = std::move(rows); };
  if (count > 0) (void)prefill(model, random_tokens(count, model.config()), Needs{}, dtype, threads, keep);
  return cache;
}

/// Decodes `steps` random tokens for each of `batch` sequences that continue `prefix`.
inline void random_steps(const Decoder& model, const std::shared_ptr<const KvCache>& prefix, Position depth,
                         Index steps, Index batch, Dtype dtype, Threads& threads) {
  const auto size = static_cast<std::size_t>(batch);
  std::vector<SequenceCache> sequences(size, SequenceCache(prefix, model.cache_shape(dtype), depth));
  const auto tokens = random_tokens(steps * batch, model.config());
  std::vector<Step> step;
  Workspace work;
  for (std::size_t first = 0; first < tokens.size(); first += size) {
    step.clear();
    for (std::size_t i = 0; i < size; ++i) step.push_back({&sequences[i], std::span(tokens).subspan(first + i, 1)});
    (void)forward(model, step, work, threads);
  }
}

}  // namespace detail

/// Settings of run_speed_tests().
struct SpeedRun {
  Index repeats = 1;
  Dtype dtype = Dtype::bf16;                           ///< of the cache
  std::function<void(double share)> on_progress = {};  ///< called after each run with the share of runs done
  std::function<void()> between = {};                  ///< called before each test and after the last
};

/// Times each test on random tokens and on this process's kernel path, as llama-bench does: whole prefills, and
/// decoding steps without sampling, after one run that does not count.
inline void run_speed_tests(const Decoder& model, std::span<SpeedTest> tests, const SpeedRun& settings,
                            Threads& threads) {
  using Clock = std::chrono::steady_clock;
  std::shared_ptr<const KvCache> prefix;
  Index prefix_depth = -1, runs = 0;
  const auto between = [&] {
    if (settings.between) settings.between();
  };
  for (SpeedTest& test : tests) {
    between();
    if (test.prompt == 0 && test.depth != prefix_depth) {
      prefix = detail::random_prefix(model, test.depth, settings.dtype, threads);
      prefix_depth = test.depth;
    }
    const auto run = [&](Index steps) {
      if (test.prompt > 0)
        (void)detail::random_prefix(model, test.prompt, settings.dtype, threads);
      else
        detail::random_steps(model, prefix, static_cast<Position>(test.depth), steps, test.batch, settings.dtype,
                             threads);
      if (settings.on_progress)
        settings.on_progress(static_cast<double>(++runs) /
                             static_cast<double>(std::ssize(tests) * (settings.repeats + 1)));
    };
    test.path = isa();
    run(1);
    double sum = 0, squares = 0;
    for (Index r = 0; r < settings.repeats; ++r) {
      const auto start = Clock::now();
      run(test.steps);
      const double rate =
          static_cast<double>(test.tokens()) / std::chrono::duration<double>(Clock::now() - start).count();
      sum += rate;
      squares += rate * rate;
    }
    const auto count = static_cast<double>(settings.repeats);
    test.tokens_per_second = sum / count;
    if (settings.repeats > 1) test.deviation = std::sqrt(std::max(0.0, (squares - sum * sum / count) / (count - 1)));
  }
  between();
}

}  // namespace kvx::inline v0
