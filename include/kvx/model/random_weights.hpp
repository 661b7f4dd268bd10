#pragma once

#include <kvx/core/dtype.hpp>
#include <kvx/core/split_mix.hpp>
#include <kvx/core/threads.hpp>
#include <kvx/kernels/packed_matrix.hpp>
#include <kvx/model/config.hpp>
#include <kvx/model/layer_sizes.hpp>
#include <kvx/model/weights.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace kvx::inline v0 {

namespace detail {

/// Makes matrices of random numbers, each from the next part of one sequence of numbers. They do not depend on the
/// format or on the number of threads: they are rounded to bf16 first, as in the file of a model.
class RandomMatrices {
 public:
  RandomMatrices(WeightFormat format, Threads& threads) : format_(format), threads_(threads) {}

  /// A matrix whose elements have one of 256 values with the same probability. Their mean is 0 and their standard
  /// deviation 1 / sqrt(in), so that products with vectors of unit variance have unit variance, too.
  PackedMatrix next(LayerSizes::MatrixSize size) {
    PackedMatrix matrix(format_, size.out, size.in);
    const auto in = static_cast<std::size_t>(size.in);
    const Index at_a_time = std::clamp(static_cast<Index>(kBytes / (in * sizeof(BF16))), Index{1}, size.out);
    rows_.resize(std::max(rows_.size(), static_cast<std::size_t>(at_a_time) * in));
    const double step = std::sqrt(12.0 / (256.0 * 256.0 - 1) / static_cast<double>(in));
    for (std::size_t byte = 0; byte < values_.size(); ++byte)
      values_[byte] = BF16(static_cast<float>(step * (static_cast<double>(byte) - 127.5)));
    const std::uint64_t draws = (in + kPerDraw - 1) / kPerDraw;  // of a row
    for (Index first = 0; first < size.out; first += at_a_time) {
      const Index rows = std::min(at_a_time, size.out - first);
      threads_.parallel_for(rows, 1, [&](Index begin, Index end) {
        SplitMix64 random(1);
        random.skip(drawn_ + static_cast<std::uint64_t>(begin) * draws);
        for (Index r = begin; r < end; ++r) fill(rows_.data() + static_cast<std::size_t>(r) * in, in, random);
      });
      matrix.pack(first, rows, Dtype::bf16, std::as_bytes(std::span(rows_)), threads_);
      drawn_ += static_cast<std::uint64_t>(rows) * draws;
    }
    return matrix;
  }

 private:
  static constexpr std::size_t kBytes = std::size_t{64} << 20;    // of rows that are not packed yet
  static constexpr std::size_t kPerDraw = sizeof(std::uint64_t);  // elements: one for each byte

  void fill(BF16* row, std::size_t in, SplitMix64& random) const {
    for (std::size_t k = 0; k < in; k += kPerDraw) {
      std::uint64_t bits = random.next();
      for (std::size_t i = k; i < std::min(in, k + kPerDraw); ++i, bits >>= 8) row[i] = values_[bits & 0xff];
    }
  }

  WeightFormat format_;
  Threads& threads_;
  std::uint64_t drawn_ = 0;
  std::array<BF16, 256> values_ = {};
  std::vector<BF16> rows_;
};

}  // namespace detail

/// Random weights for measurements of speed, always the same ones for a configuration. Hidden states and logits stay
/// finite: matrices keep the variance of what they multiply, norms multiply by 1, and biases are 0. No more than a
/// small part of the numbers is in memory before it is packed.
inline Weights random_weights(const ModelConfig& config, WeightFormat format, Threads& threads) {
  detail::RandomMatrices random(format, threads);
  const Architecture& architecture = config.architecture;
  const LayerSizes sizes = config.layer();
  const auto filled = [](bool exists, Index size, float value) {
    return std::vector<float>(exists ? static_cast<std::size_t>(size) : 0, value);
  };
  const auto norm = [&](bool exists, Index size) { return filled(exists, size, 1); };
  const LayerSizes::MatrixSize vocabulary{config.vocab_size, config.hidden_size};
  Weights weights;
  weights.embedding = random.next(vocabulary);
  if (!config.tie_word_embeddings) weights.output = random.next(vocabulary);
  weights.norm = norm(true, sizes.hidden);
  for (Index l = 0; l < config.layers; ++l) {
    LayerWeights& w = weights.layers.emplace_back();
    const auto [qkv, output, gate_up, down] = sizes.matrices();
    w.input_norm = norm(true, sizes.hidden);
    w.mlp_norm = norm(true, sizes.hidden);
    w.attended_norm = norm(architecture.output_norms, sizes.hidden);
    w.mlp_output_norm = norm(architecture.output_norms, sizes.hidden);
    w.query_norm = norm(architecture.head_norms, sizes.head_dim);
    w.key_norm = norm(architecture.head_norms, sizes.head_dim);
    w.qkv = random.next(qkv);
    w.qkv_bias = filled(config.qkv_bias, qkv.out, 0);
    w.output = random.next(output);
    w.output_bias = filled(config.output_bias, output.out, 0);
    w.gate_up = random.next(gate_up);
    w.gate_up_bias = filled(config.mlp_bias, gate_up.out, 0);
    w.down = random.next(down);
    w.down_bias = filled(config.mlp_bias, down.out, 0);
  }
  return weights;
}

}  // namespace kvx::inline v0
