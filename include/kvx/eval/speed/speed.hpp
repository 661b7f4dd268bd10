#pragma once

#include <kvx/core/dtype.hpp>
#include <kvx/core/error.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/eval/speed/machine_limits.hpp>
#include <kvx/kernels/isa.hpp>
#include <kvx/kernels/packed_matrix.hpp>
#include <kvx/model/config.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

namespace kvx::inline v0 {

/// The tests to be timed: a prefill of each number of tokens in `prompts`, and the decoding of each number of steps in
/// `new_tokens` at each depth and batch size. A number of 0 is skipped.
struct SpeedOptions {
  std::vector<Index> prompts, new_tokens;
  std::vector<Index> depths;   ///< rows of the prefix that the sequences of a batch share
  std::vector<Index> batches;  ///< numbers of sequences; each gets one token per step
};

/// A prefill, or the decoding of a batch, and how fast it was.
struct SpeedTest {
  Isa path = Isa::portable;                     ///< kernel path that it ran on
  Index prompt = 0;                             ///< tokens of a prefill; 0 for a decode
  Index steps = 0, depth = 0, batch = 1;        ///< of a decode
  double tokens_per_second = 0, deviation = 0;  ///< mean and standard deviation of the repeats
  double flops_per_token = 0;                   ///< in products with weights
  double attention_flops_per_token = 0;         ///< in addition, in products with the cache's rows
  double bytes_per_token = 0;  ///< of weights and rows that one sequence reads; 0 if they do not limit the speed

  double all_flops_per_token() const { return flops_per_token + attention_flops_per_token; }
  Index tokens() const { return prompt > 0 ? prompt : steps * batch; }
  /// The name that llama-bench would use: pp512, tg64, tg64 @ d4096; with several sequences, tg64 x b64.
  std::string name() const {
    if (prompt > 0) return "pp" + std::to_string(prompt);
    return "tg" + std::to_string(steps) + (depth > 0 ? " @ d" + std::to_string(depth) : "") +
           (batch > 1 ? " x b" + std::to_string(batch) : "");
  }
};

/// A benchmark of one model on one machine.
struct SpeedReport {
  std::string cpu;
  Isa path = Isa::portable;  ///< kernel path that kvx chooses on this CPU
  Index threads = 1;
  MachineLimits limits;
  std::string model;
  std::size_t weight_bytes = 0;
  Index parameters = 0;
  double load_seconds = 0;      ///< until the weights were in memory
  bool random_weights = false;  ///< whether they were made, not loaded
  std::string text;             ///< the file whose perplexity was measured; may be empty
  double perplexity = 0;        ///< of the second halves of windows of 1024 tokens
  std::size_t text_tokens = 0;  ///< number of predicted tokens
  std::vector<SpeedTest> tests;

  /// The test's rate as a share of its limit: the read bandwidth, or the peak of its path.
  double share_of_limit(const SpeedTest& test) const {
    if (test.bytes_per_token > 0) return test.tokens_per_second * test.bytes_per_token / limits.read.best;
    return test.tokens_per_second * test.all_flops_per_token() / (limits.peak(test.path) * 1e9);
  }
};

/// The number of rows that a token attends to, summed over the layers; the mean over `count` tokens that follow `depth`
/// others. In a layer with a window, a token attends to at most the window.
inline double mean_rows(const ModelConfig& config, Index depth, Index count) {
  const auto sum = [](Index from, Index to) {
    return static_cast<double>(to - from) * static_cast<double>(from + to + 1) / 2;
  };
  const Index end = depth + count, window = config.sliding_window, inside = std::clamp(window, depth, end);
  const double all = sum(depth, end),
               seen = sum(depth, inside) + static_cast<double>(end - inside) * static_cast<double>(window);
  return (static_cast<double>(config.layers - config.windows()) * all + static_cast<double>(config.windows()) * seen) /
         static_cast<double>(count);
}

/// The tests that `options` ask for, not timed yet. Matrices are stored in `format`, the cache as `dtype`. Throws Error
/// for a test with more positions than the model has.
inline std::vector<SpeedTest> speed_tests(const SpeedOptions& options, const ModelConfig& config, WeightFormat format,
                                          Dtype dtype) {
  std::vector<SpeedTest> tests;
  for (const Index prompt : options.prompts)
    if (prompt > 0) tests.push_back({.prompt = prompt});
  for (const Index depth : options.depths)
    for (const Index steps : options.new_tokens)
      for (const Index batch : options.batches)
        if (steps > 0) tests.push_back({.steps = steps, .depth = depth, .batch = batch});
  // Each token is multiplied by all matrices but the embedding; of a prompt, only the last token by the output matrix.
  const LayerSizes layer = config.layer();
  const auto layers = static_cast<double>(config.layers);
  const double output_flops = 2 * static_cast<double>(config.vocab_size * config.hidden_size);
  for (SpeedTest& test : tests) {
    if (const Index end = test.prompt + test.depth + test.steps; end > config.max_positions)
      throw Error(test.name(), "expected at most " + std::to_string(config.max_positions) +
                                   " positions (config.json: max_position_embeddings), found " + std::to_string(end));
    // A token attends to the rows before it and to its own, up to the window: keys first, then values.
    const double rows = mean_rows(config, test.depth, test.prompt + test.steps);
    test.attention_flops_per_token = layer.attention_flops(rows);
    test.flops_per_token =
        layers * layer.matrix_flops() + output_flops / static_cast<double>(std::max<Index>(1, test.prompt));
    if (test.prompt == 0 && test.batch == 1) {
      const std::size_t unread = config.tie_word_embeddings ? 0 : config.output_bytes(format);
      const double row = static_cast<double>(2 * layer.keys()) * static_cast<double>(size_of(dtype));
      test.bytes_per_token = static_cast<double>(config.matrix_bytes(format) - unread) + rows * row;
    }
  }
  return tests;
}

}  // namespace kvx::inline v0
