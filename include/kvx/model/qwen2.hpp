#pragma once

#include <kvx/cache/kv_cache.hpp>
#include <kvx/core/error.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/core/threads.hpp>
#include <kvx/core/token.hpp>
#include <kvx/kernels/matmul.hpp>
#include <kvx/kernels/rms_norm.hpp>
#include <kvx/kernels/rope.hpp>
#include <kvx/kernels/row_kernels.hpp>
#include <kvx/model/config.hpp>
#include <kvx/model/weights.hpp>

#include <algorithm>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// A Qwen2-architecture model (Yang et al., arXiv:2407.10671): its weights, and the steps that prefill (prefill.hpp)
/// and decoding (forward.hpp) are made of. Every step works row by row, so a row's result does not depend on the other
/// rows.
class Qwen2 {
 public:
  /// Loads a Hugging Face directory. `dtype` is what matrices are stored as, f32 or bf16; sums are f32 in both. Throws
  /// Error for missing or inconsistent files.
  static Qwen2 load(const std::string& dir, Dtype dtype, Threads& threads) {
    ModelConfig config = ModelConfig::load(dir);
    Weights weights = load_weights(dir, config, dtype, threads);
    return {std::move(config), std::move(weights)};
  }

  const ModelConfig& config() const { return config_; }
  std::span<const float> inv_freq() const { return inv_freq_; }

  /// The shape of a cache for this model.
  CacheShape cache_shape(Dtype dtype) const { return {config_.layers, config_.kv_heads, config_.head_dim, dtype}; }

  /// Throws Error unless `tokens` are ids of the vocabulary and fit behind `position`.
  void check(std::span<const Token> tokens, Position position) const {
    const Index end = position + static_cast<Index>(tokens.size());
    if (end > config_.max_positions)
      throw Error("prompt", "expected at most " + std::to_string(config_.max_positions) +
                                " positions (config.json: max_position_embeddings), found " + std::to_string(end));
    for (const Token token : tokens)
      if (token < 0 || token >= config_.vocab_size)
        throw Error("token", "expected an id below " + std::to_string(config_.vocab_size) +
                                 " (config.json: vocab_size)" + ", found " + std::to_string(token));
  }

  /// Hidden states before the first layer, [tokens, hidden].
  Matrix<float> embed(std::span<const Token> tokens) const {
    Matrix<float> x(static_cast<Index>(tokens.size()), config_.hidden_size);
    for (Index t = 0; t < x.rows(); ++t) weights_.embedding.row(tokens[static_cast<std::size_t>(t)], x.row(t).data());
    return x;
  }

  /// Queries, keys and values of layer `l`, before RoPE: [tokens, (heads + 2 kv_heads) head_dim].
  Matrix<float> project_qkv(Index l, const Matrix<float>& x, Threads& threads) const {
    const LayerWeights& w = layer(l);
    Matrix<float> qkv(x.rows(), w.qkv.out());
    matmul(view(normed(w.input_norm, x.data(), x.rows())), w.qkv, w.qkv_bias, view(qkv), threads);
    return qkv;
  }
  TensorView<float> queries(Matrix<float>& qkv) const { return part(qkv, 0, config_.heads); }
  TensorView<float> keys(Matrix<float>& qkv) const { return part(qkv, config_.heads, config_.kv_heads); }
  TensorView<float> values(Matrix<float>& qkv) const {
    return part(qkv, config_.heads + config_.kv_heads, config_.kv_heads);
  }

  /// The rest of layer `l` after attention, added to the hidden states `x` in place. `attended` is [tokens, heads
  /// head_dim].
  void finish_layer(Index l, const Matrix<float>& attended, Matrix<float>& x, Threads& threads) const {
    constexpr Index kRows = 256;  // bounds what the wide rows between the matrices occupy
    const LayerWeights& w = layer(l);
    const Index inner = config_.intermediate_size;
    Matrix<float> added, wide;
    for (Index first = 0; first < x.rows(); first += kRows) {
      const Index rows = std::min(kRows, x.rows() - first);
      auto block = view(x.row(first).data(), rows, x.cols(), x.cols());
      added.resize(rows, x.cols());
      matmul(view<const float>(attended.row(first).data(), rows, attended.cols(), attended.cols()), w.output, {},
             view(added), threads);
      block += added;
      wide.resize(rows, w.gate_up.out());
      matmul(view(normed(w.post_attention_norm, block.data(), rows)), w.gate_up, {}, view(wide), threads);
      threads.parallel_for(rows, 8, [&](Index begin, Index end) {
        for (Index t = begin; t < end; ++t) row_kernels().swiglu(wide.row(t).data(), wide.row(t).data() + inner, inner);
      });
      matmul(view<const float>(wide.data(), rows, inner, wide.cols()), w.down, {}, view(added), threads);
      block += added;
    }
  }

  /// Logits after the last layer, [rows of x, vocab].
  Matrix<float> logits(const Matrix<float>& x, Threads& threads) const {
    const PackedMatrix& output = config_.tie_word_embeddings ? weights_.embedding : weights_.output;
    Matrix<float> logits(x.rows(), output.out());
    matmul(view(normed(weights_.norm, x.data(), x.rows())), output, {}, view(logits), threads);
    return logits;
  }

 private:
  Qwen2(ModelConfig config, Weights weights)
      : config_(std::move(config)),
        weights_(std::move(weights)),
        inv_freq_(rope_inv_freq(config_.head_dim, config_.rope_theta)) {}

  const LayerWeights& layer(Index l) const { return weights_.layers[static_cast<std::size_t>(l)]; }

  TensorView<float> part(Matrix<float>& qkv, Index first_head, Index heads) const {
    return {
        qkv.data() + first_head * config_.head_dim, heads, qkv.rows(), config_.head_dim, config_.head_dim, qkv.cols()};
  }

  /// The RMS norm of `rows` rows [hidden] that lie one behind the other.
  Matrix<float> normed(std::span<const float> weight, const float* x, Index rows) const {
    Matrix<float> y(rows, config_.hidden_size);
    for (Index t = 0; t < rows; ++t) rms_norm(weight, x + t * y.cols(), config_.rms_norm_eps, y.row(t).data());
    return y;
  }

  ModelConfig config_;
  Weights weights_;
  std::vector<float> inv_freq_;  // [head_dim / 2]
};

}  // namespace kvx::inline v0
