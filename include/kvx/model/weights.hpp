#pragma once

#include <kvx/core/error.hpp>
#include <kvx/core/threads.hpp>
#include <kvx/io/safetensors.hpp>
#include <kvx/kernels/packed_matrix.hpp>
#include <kvx/model/config.hpp>

#include <cstring>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace kvx::inline v0 {

struct LayerWeights {
  std::vector<float> input_norm, post_attention_norm;  // [hidden]
  PackedMatrix qkv;                                    // [(heads + 2 kv_heads) head_dim, hidden]: query, key, value
  std::vector<float> qkv_bias;                         // [(heads + 2 kv_heads) head_dim], or empty
  PackedMatrix output;                                 // [hidden, heads head_dim]
  PackedMatrix gate_up;                                // [2 intermediate, hidden]
  PackedMatrix down;                                   // [hidden, intermediate]
};

struct Weights {
  PackedMatrix embedding;  // [vocab, hidden]
  std::vector<LayerWeights> layers;
  std::vector<float> norm;  // [hidden]
  PackedMatrix output;      // [vocab, hidden]; empty if the embedding is used instead
  std::string note;         // for the user, if config.json contradicts the weights
};

namespace detail {

/// Reads a model's tensors, checks their shapes and packs them. Frees the file's pages that have been read.
class WeightLoader {
 public:
  WeightLoader(const Safetensors& file, WeightFormat format, Threads& threads)
      : file_(file), format_(format), threads_(threads) {}

  /// The prefix of all tensors' names except that of the output matrix; base models are saved without "model.".
  std::string prefix() const {
    return file_.find("model.norm.weight") == nullptr && file_.find("norm.weight") != nullptr ? "" : "model.";
  }
  const Tensor* find(const std::string& name) const { return file_.find(name); }

  std::vector<float> vector(const std::string& name, Index size) const { return finite_floats(checked(name, {size})); }

  struct Part {
    std::string name;
    Index rows;
  };
  /// One matrix [sum of rows, in] with the rows of all parts, in their order.
  PackedMatrix matrix(std::initializer_list<Part> parts, Index in) const {
    Index out = 0, first = 0;
    for (const Part& part : parts) {
      (void)checked(part.name, {part.rows, in});  // before memory is allocated for the sizes in config.json
      out += part.rows;
    }
    PackedMatrix matrix(format_, out, in);
    for (const Part& part : parts) {
      const Tensor& tensor = file_.at(part.name);
      matrix.pack(first, part.rows, float_dtype(tensor), tensor.bytes, threads_, tensor.where);
      file_.drop_pages(tensor);
      first += part.rows;
    }
    return matrix;
  }

 private:
  const Tensor& checked(const std::string& name, const std::vector<Index>& shape) const {
    expect_unquantized(name);
    const Tensor& tensor = file_.at(name);
    (void)float_dtype(tensor);
    if (tensor.shape != shape)
      throw Error(tensor.where, "shape: expected " + text(shape) + ", found " + text(tensor.shape));
    return tensor;
  }
  /// Throws Error if the file has a quantized form of the weight instead.
  void expect_unquantized(const std::string& name) const {
    if (file_.find(name) != nullptr || !name.ends_with("weight")) return;
    for (const char* const form : {"qweight", "weight_packed", "weight_quantized"})
      if (const Tensor* const other = file_.find(name.substr(0, name.size() - 6) + form))
        throw Error(other->where,
                    "expected " + name +
                        ", found a quantized model (GPTQ, AWQ or similar); kvx reads models in F32, F16 or "
                        "BF16, and quantizes them with --weights int8");
  }
  static std::string text(const std::vector<Index>& shape) {
    std::string text;
    for (const Index size : shape) text.append(text.empty() ? "" : ", ").append(std::to_string(size));
    return "[" + text + "]";
  }

  const Safetensors& file_;
  WeightFormat format_;
  Threads& threads_;
};

/// Whether two tensors have the same shape, type and bytes.
inline bool same_tensor(const Tensor& a, const Tensor& b) {
  return a.dtype == b.dtype && a.shape == b.shape && std::memcmp(a.bytes.data(), b.bytes.data(), a.bytes.size()) == 0;
}

}  // namespace detail

/// Loads a model directory's weights; matrices are stored in `format`, norms and biases as f32. If config.json ties
/// embedding and output, one of them is enough; if both exist and differ, both are used, as in transformers 5. Throws
/// Error for a tensor that is missing, quantized, not finite, or whose shape differs from the configuration.
inline Weights load_weights(const std::string& dir, const ModelConfig& config, WeightFormat format, Threads& threads) {
  const Safetensors file = Safetensors::open_model(dir);
  const detail::WeightLoader load(file, format, threads);
  const LayerSizes sizes = config.layer();
  const Index hidden = sizes.hidden, intermediate = sizes.intermediate, queries = sizes.queries(), keys = sizes.keys();
  Weights weights;
  const std::string prefix = load.prefix(), embedding = prefix + "embed_tokens.weight", output = "lm_head.weight";
  const Tensor *const input_tensor = load.find(embedding), *const output_tensor = load.find(output);
  bool tied = config.tie_word_embeddings;
  if (tied && input_tensor != nullptr && output_tensor != nullptr &&
      !detail::same_tensor(*input_tensor, *output_tensor)) {
    tied = false;
    weights.note = output + " differs from " + embedding +
                   ", although config.json sets tie_word_embeddings; both are used, as in transformers 5";
  }
  weights.embedding = load.matrix({{tied && input_tensor == nullptr ? output : embedding, config.vocab_size}}, hidden);
  if (!tied) weights.output = load.matrix({{output, config.vocab_size}}, hidden);
  weights.norm = load.vector(prefix + "norm.weight", hidden);
  for (Index l = 0; l < config.layers; ++l) {
    const std::string layer = prefix + "layers." + std::to_string(l) + ".", attention = layer + "self_attn.",
                      mlp = layer + "mlp.";
    LayerWeights& w = weights.layers.emplace_back();
    w.input_norm = load.vector(layer + "input_layernorm.weight", hidden);
    w.post_attention_norm = load.vector(layer + "post_attention_layernorm.weight", hidden);
    w.qkv = load.matrix({{attention + "q_proj.weight", queries},
                         {attention + "k_proj.weight", keys},
                         {attention + "v_proj.weight", keys}},
                        hidden);
    if (config.qkv_bias)
      for (const auto& [name, size] : {std::pair{"q", queries}, {"k", keys}, {"v", keys}}) {
        const auto bias = load.vector(attention + name + "_proj.bias", size);
        w.qkv_bias.insert(w.qkv_bias.end(), bias.begin(), bias.end());
      }
    w.output = load.matrix({{attention + "o_proj.weight", hidden}}, queries);
    w.gate_up = load.matrix({{mlp + "gate_proj.weight", intermediate}, {mlp + "up_proj.weight", intermediate}}, hidden);
    w.down = load.matrix({{mlp + "down_proj.weight", hidden}}, intermediate);
  }
  return weights;
}

}  // namespace kvx::inline v0
