#pragma once

#include <kvx/cache/kv_cache.hpp>
#include <kvx/core/error.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/core/threads.hpp>
#include <kvx/core/token.hpp>
#include <kvx/kernels/isa.hpp>
#include <kvx/kernels/key_bias.hpp>
#include <kvx/kernels/matmul.hpp>
#include <kvx/kernels/rope.hpp>
#include <kvx/kernels/row_kernels.hpp>
#include <kvx/model/config.hpp>
#include <kvx/model/finite_rows.hpp>
#include <kvx/model/random_weights.hpp>
#include <kvx/model/weights.hpp>
#include <kvx/model/workspace.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// How a layer attends.
struct LayerAttention {
  Isa path;      ///< the instruction set of the kernels
  float scale;   ///< multiplies q.k
  Index window;  ///< the tokens that a query sees, its own among them; 0: all

  /// The first of a head's rows, whose positions are given, that a query at `position` sees.
  Index first_row(std::span<const Position> rows, Index position) const {
    if (window == 0) return 0;
    return std::lower_bound(rows.begin(), rows.end(), position - window + 1) - rows.begin();
  }
};

/// The angles of RoPE in a layer.
struct LayerRope {
  std::span<const float> inv_freq;  ///< [head_dim / 2]
  float factor;                     ///< multiplies cosines and sines
};

/// A decoder of one of the architectures in architecture.hpp: its weights, and the steps that prefill (prefill.hpp) and
/// decoding (forward.hpp) are made of. Every step works row by row, so a row's result does not depend on the other
/// rows.
class Decoder {
 public:
  /// Loads a Hugging Face directory. Matrices are stored in `format`; sums are f32 for every format. Throws Error for
  /// missing or inconsistent files.
  static Decoder load(const std::string& dir, WeightFormat format, Threads& threads) {
    ModelConfig config = ModelConfig::load(dir);
    Weights weights = load_weights(dir, config, format, threads);
    config.tie_word_embeddings = weights.output.out() == 0;
    return {dir, std::move(config), std::move(weights)};
  }
  /// A decoder with random_weights(), for measurements of speed. Errors name it as `name`.
  static Decoder random(std::string name, ModelConfig config, WeightFormat format, Threads& threads) {
    Weights weights = random_weights(config, format, threads);
    return {std::move(name), std::move(config), std::move(weights)};
  }

  /// The configuration. Its tie_word_embeddings is true for the weights, even if config.json contradicts them.
  const ModelConfig& config() const { return config_; }
  /// A note for the user if config.json contradicts the weights; otherwise empty.
  const std::string& note() const { return weights_.note; }
  /// RoPE in layer `l`. Layers with a window may have other angles than those without one.
  LayerRope rope(Index l) const {
    return config_.window(l) > 0 ? LayerRope{sliding_inv_freq_, config_.sliding_rope.attention_factor}
                                 : LayerRope{inv_freq_, config_.rope.attention_factor};
  }
  /// Replaces the positions of the tables, whose order is that of RopeTables.
  void fill(RopeTables& tables, std::span<const Position> positions) const {
    tables[0].fill(inv_freq_, positions, config_.rope.attention_factor);
    if (config_.windows() > 0) tables[1].fill(sliding_inv_freq_, positions, config_.sliding_rope.attention_factor);
  }
  /// The table of layer `l`.
  const RopeTable& table(const RopeTables& tables, Index l) const { return tables[config_.window(l) > 0 ? 1 : 0]; }
  /// The path that computes attention. With f32 weights, it is one that does not round or split floats.
  Isa attention_path() const { return layer(0).qkv.format() == WeightFormat::f32 ? float_path(isa()) : isa(); }
  /// How layer `l` attends.
  LayerAttention attention(Index l) const {
    return {attention_path(), 1 / std::sqrt(static_cast<float>(config_.query_scalar)), config_.window(l)};
  }

  /// The shape of a cache for this model.
  CacheShape cache_shape(Dtype dtype) const { return {config_.layers, config_.kv_heads, config_.head_dim, dtype}; }

  /// Throws Error unless `tokens` are ids of the vocabulary and the model has enough positions from `position` on.
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
  MatrixView<float> embed(std::span<const Token> tokens, Workspace& work, Threads& threads) const {
    auto x = work.hidden.rows(static_cast<Index>(tokens.size()), config_.hidden_size);
    threads.parallel_for(x.rows(), kRowsPerThread, [&](Index begin, Index end) {
      for (Index t = begin; t < end; ++t) weights_.embedding.row(tokens[static_cast<std::size_t>(t)], row(x, t));
      if (config_.architecture.scales_embedding)
        x.middleRows(begin, end - begin) *= std::sqrt(static_cast<float>(config_.hidden_size));
    });
    return x;
  }

  /// Queries, keys and values of layer `l`, before RoPE and after the norms of heads: [tokens, (heads + 2 kv_heads)
  /// head_dim].
  MatrixView<float> project_qkv(Index l, MatrixView<const float> x, Workspace& work, Threads& threads) const {
    const LayerWeights& w = layer(l);
    auto qkv = work.qkv.rows(x.rows(), w.qkv.out());
    each_block(x.rows(), [&](Index first, Index rows) {
      auto normed = work.normed.rows(rows, x.cols());
      threads.parallel_for(rows, kRowsPerThread, [&](Index begin, Index end) {
        for (Index t = begin; t < end; ++t) norm(w.input_norm, row(x, first + t), row(normed, t));
      });
      const auto block = rows_of(qkv, first, rows);
      matmul(read_only(normed), w.qkv, w.qkv_bias, block, threads);
      if (config_.architecture.head_norms) norm_heads(w, block, threads);
    });
    return qkv;
  }
  /// The bias that layer `l` adds to the keys of KV head `h`, as cached keys contain it before rotation; empty if there
  /// is none, or if a norm follows it. Valid as long as the model exists.
  KeyBias key_bias(Index l, Index h) const {
    if (layer(l).key_bias.empty()) return {};
    const auto dim = static_cast<std::size_t>(config_.head_dim);
    const auto bias = std::span(layer(l).key_bias).subspan(static_cast<std::size_t>(h) * dim, dim);
    const bool zero = std::all_of(bias.begin(), bias.end(), [](float x) { return x == 0; });
    return zero ? KeyBias() : KeyBias{bias, rope(l).inv_freq};
  }
  TensorView<float> queries(MatrixView<float> qkv) const { return part(qkv, 0, config_.heads); }
  TensorView<float> keys(MatrixView<float> qkv) const { return part(qkv, config_.heads, config_.kv_heads); }
  TensorView<float> values(MatrixView<float> qkv) const {
    return part(qkv, config_.heads + config_.kv_heads, config_.kv_heads);
  }

  /// The matrix that projects the heads' outputs of layer `l` to hidden states, [hidden, heads head_dim].
  Matrix<float> output_projection(Index l) const {
    const PackedMatrix& packed = layer(l).output;
    Matrix<float> matrix(packed.out(), packed.in());
    for (Index o = 0; o < matrix.rows(); ++o) packed.row(o, matrix.row(o).data());
    return matrix;
  }

  /// The length of the normed vector that layer `l` projects to queries, keys and values, for hidden states `x`
  /// [hidden].
  float attention_input_norm(Index l, const float* x) const {
    Matrix<float> normed(1, config_.hidden_size);
    norm(layer(l).input_norm, x, normed.data());
    return normed.norm();
  }

  /// Computes the rest of layer `l` after attention, and adds it to the hidden states `x`. `attended` is [tokens, heads
  /// head_dim]. Throws Error for hidden states that are not finite; in its message, place(row) describes a row, such as
  /// "position 5".
  template <class Place>
  void finish_layer(Index l, MatrixView<const float> attended, MatrixView<float> x, Workspace& work, Threads& threads,
                    Place&& place) const {
    const LayerWeights& w = layer(l);
    FiniteRows finite(x);
    const Index intermediate = config_.intermediate_size;
    each_block(x.rows(), [&](Index first, Index rows) {
      auto added = work.added.rows(rows, x.cols()), normed = work.normed.rows(rows, x.cols()),
           wide = work.wide.rows(rows, w.gate_up.out());
      const auto each_row = [&](auto&& body) {
        threads.parallel_for(rows, kRowsPerThread, [&](Index begin, Index end) {
          for (Index t = begin; t < end; ++t) body(t);
        });
      };
      const auto add = [&](Index t, std::span<const float> output_norm) {
        if (!output_norm.empty()) norm(output_norm, row(added, t), row(added, t));
        x.row(first + t) += added.row(t);
      };
      matmul(rows_of(attended, first, rows), w.output, w.output_bias, added, threads);
      each_row([&](Index t) {
        add(t, w.attended_norm);
        norm(w.mlp_norm, row(x, first + t), row(normed, t));
      });
      matmul(read_only(normed), w.gate_up, w.gate_up_bias, wide, threads);
      each_row([&](Index t) { activate(row(wide, t)); });
      matmul(view<const float>(wide.data(), rows, intermediate, wide.cols()), w.down, w.down_bias, added, threads);
      each_row([&](Index t) {
        add(t, w.mlp_output_norm);
        finite.check_row(first + t);
      });
    });
    finite.expect(dir_, [&](Index t) { return "hidden states after layer " + std::to_string(l) + ", " + place(t); });
  }

  /// Logits for hidden states `x` after the last layer, [rows of x, vocab]. Throws Error for logits that are not
  /// finite, like finish_layer().
  template <class Place>
  MatrixView<float> logits(MatrixView<const float> x, Workspace& work, Threads& threads, Place&& place) const {
    const PackedMatrix& output = config_.tie_word_embeddings ? weights_.embedding : weights_.output;
    auto normed = work.normed.rows(x.rows(), x.cols()), logits = work.logits.rows(x.rows(), output.out());
    for (Index t = 0; t < x.rows(); ++t) norm(weights_.norm, row(x, t), row(normed, t));
    matmul(read_only(normed), output, {}, logits, threads);
    FiniteRows finite(logits);
    threads.parallel_for(logits.rows(), 1, [&](Index begin, Index end) {
      for (Index t = begin; t < end; ++t) finite.check_row(t);
    });
    finite.expect(
        dir_, [&](Index t) { return "logits after layer " + std::to_string(config_.layers - 1) + ", " + place(t); });
    return logits;
  }

 private:
  Decoder(std::string dir, ModelConfig config, Weights weights)
      : dir_(std::move(dir)),
        config_(std::move(config)),
        weights_(std::move(weights)),
        inv_freq_(config_.rope.inv_freq(config_.head_dim)),
        sliding_inv_freq_(config_.sliding_rope.inv_freq(config_.head_dim)) {}

  const LayerWeights& layer(Index l) const { return weights_.layers[static_cast<std::size_t>(l)]; }

  static constexpr Index kRowsPerThread = 8;  // at least
  /// Calls f(first, rows) for blocks of rows, which limit the memory of the wide rows between the matrices.
  template <class F>
  static void each_block(Index rows, F&& f) {
    constexpr Index kRows = 512;
    for (Index first = 0; first < rows; first += kRows) f(first, std::min(kRows, rows - first));
  }

  static float* row(MatrixView<float> x, Index t) { return x.data() + t * x.outerStride(); }
  static const float* row(MatrixView<const float> x, Index t) { return x.data() + t * x.outerStride(); }

  TensorView<float> part(MatrixView<float> qkv, Index first_head, Index heads) const {
    return {
        qkv.data() + first_head * config_.head_dim, heads, qkv.rows(), config_.head_dim, config_.head_dim, qkv.cols()};
  }

  void norm(std::span<const float> weight, const float* from, float* to) const {
    row_kernels().rms_norm(from, weight.data(), static_cast<Index>(weight.size()), config_.rms_norm_eps, to);
  }
  /// Applies the norms of heads to queries and keys.
  void norm_heads(const LayerWeights& w, MatrixView<float> qkv, Threads& threads) const {
    threads.parallel_for(qkv.rows(), kRowsPerThread, [&](Index begin, Index end) {
      for (Index t = begin; t < end; ++t)
        for (Index i = 0; i < config_.heads + config_.kv_heads; ++i) {
          float* const head = row(qkv, t) + i * config_.head_dim;
          norm(i < config_.heads ? w.query_norm : w.key_norm, head, head);
        }
    });
  }
  /// Replaces the gate in a row of gate and up with activation(gate) * up.
  void activate(float* gate_up) const {
    const Index count = config_.intermediate_size;
    if (config_.architecture.activation == Activation::gelu_tanh)
      row_kernels().geglu(gate_up, gate_up + count, count);
    else
      row_kernels().swiglu(gate_up, gate_up + count, count);
  }

  std::string dir_;
  ModelConfig config_;
  Weights weights_;
  std::vector<float> inv_freq_, sliding_inv_freq_;  // [head_dim / 2], of layers without and with a window
};

}  // namespace kvx::inline v0
