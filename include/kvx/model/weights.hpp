#pragma once

#include <kvx/core/error.hpp>
#include <kvx/core/threads.hpp>
#include <kvx/io/safetensors.hpp>
#include <kvx/kernels/packed_matrix.hpp>
#include <kvx/model/config.hpp>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace kvx::inline v0 {

/// The weights of a layer. Norms and biases that the architecture does not have are empty.
struct LayerWeights {
  std::vector<float> input_norm, mlp_norm;            // [hidden], before attention and before the MLP
  std::vector<float> attended_norm, mlp_output_norm;  // [hidden], of what attention and the MLP add
  std::vector<float> query_norm, key_norm;            // [head_dim], the same for all heads
  PackedMatrix qkv;                                   // [(heads + 2 kv_heads) head_dim, hidden]: query, key, value
  std::vector<float> qkv_bias;                        // [(heads + 2 kv_heads) head_dim]
  std::vector<float> key_bias;                        // [kv_heads head_dim], as cached keys contain it before rotation
  PackedMatrix output;                                // [hidden, heads head_dim]
  std::vector<float> output_bias;                     // [hidden]
  PackedMatrix gate_up;                               // [2 intermediate, hidden]
  std::vector<float> gate_up_bias;                    // [2 intermediate]
  PackedMatrix down;                                  // [hidden, intermediate]
  std::vector<float> down_bias;                       // [hidden]
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
  /// The weights of a norm, plus `added`.
  std::vector<float> norm(const std::string& name, Index size, float added) const {
    std::vector<float> weights = vector(name + ".weight", size);
    for (float& weight : weights) weight += added;
    return weights;
  }

  struct Part {
    std::string name;  // without ".weight"
    Index rows;
  };
  /// The biases of all parts.
  std::vector<float> bias(std::initializer_list<Part> parts) const {
    std::vector<float> all;
    for (const Part& part : parts) {
      const auto bias = vector(part.name + ".bias", part.rows);
      all.insert(all.end(), bias.begin(), bias.end());
    }
    return all;
  }
  /// One matrix [sum of rows, in] with the rows of all parts, in their order.
  PackedMatrix matrix(std::initializer_list<Part> parts, Index in) const {
    Index out = 0, first = 0;
    for (const Part& part : parts) {
      (void)checked(part.name + ".weight", {part.rows, in});  // before memory is allocated for the sizes in config.json
      out += part.rows;
    }
    PackedMatrix matrix(format_, out, in);
    for (const Part& part : parts) {
      const Tensor& tensor = file_.at(part.name + ".weight");
      const std::size_t row_bytes = tensor.bytes.size() / static_cast<std::size_t>(part.rows);
      const Index at_a_time = std::max<Index>(1, static_cast<Index>(kReadBytes / row_bytes));
      for (Index row = 0; row < part.rows; row += at_a_time) {
        const Index rows = std::min(at_a_time, part.rows - row);
        const auto bytes =
            tensor.bytes.subspan(static_cast<std::size_t>(row) * row_bytes, static_cast<std::size_t>(rows) * row_bytes);
        matrix.pack(first + row, rows, float_dtype(tensor), bytes, threads_, tensor.where, row);
        file_.drop_pages(bytes);
      }
      first += part.rows;
    }
    return matrix;
  }

  /// Whether two tensors have the same shape, type and bytes.
  bool same(const Tensor& a, const Tensor& b) const {
    if (a.dtype != b.dtype || a.shape != b.shape) return false;
    for (std::size_t first = 0; first < a.bytes.size(); first += kReadBytes) {
      const std::size_t count = std::min(kReadBytes, a.bytes.size() - first);
      const auto part = a.bytes.subspan(first, count), other = b.bytes.subspan(first, count);
      const bool equal = std::memcmp(part.data(), other.data(), count) == 0;
      file_.drop_pages(part);
      file_.drop_pages(other);
      if (!equal) return false;
    }
    return true;
  }

 private:
  static constexpr std::size_t kReadBytes = std::size_t{64} << 20;  // bytes of a tensor in memory at a time

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

}  // namespace detail

/// Loads a model directory's weights; matrices are stored in `format`, norms and biases as f32. Only a small part of
/// the file is in memory at a time. If config.json ties embedding and output, one of them is enough; if both exist and
/// differ, both are used, as in transformers 5. Throws Error for a tensor that is missing, quantized, not finite, or
/// whose shape differs from the configuration.
inline Weights load_weights(const std::string& dir, const ModelConfig& config, WeightFormat format, Threads& threads) {
  const Safetensors file = Safetensors::open_model(dir);
  using Part = detail::WeightLoader::Part;
  const detail::WeightLoader load(file, format, threads);
  const Architecture& architecture = config.architecture;
  const LayerSizes sizes = config.layer();
  const Index hidden = sizes.hidden, intermediate = sizes.intermediate, queries = sizes.queries(), keys = sizes.keys();
  const auto norm = [&](const std::string& name, Index size) {
    return load.norm(name, size, architecture.norms_add_one ? 1.0f : 0.0f);
  };
  Weights weights;
  const std::string prefix = load.prefix(), embedding = prefix + "embed_tokens", output = "lm_head";
  const Tensor *const input_tensor = load.find(embedding + ".weight"), *const output_tensor =
                                                                           load.find(output + ".weight");
  bool tied = config.tie_word_embeddings;
  if (tied && input_tensor != nullptr && output_tensor != nullptr && !load.same(*input_tensor, *output_tensor)) {
    tied = false;
    weights.note = output + ".weight differs from " + embedding +
                   ".weight, although config.json sets tie_word_embeddings; both are used, as in transformers 5";
  }
  weights.embedding = load.matrix({{tied && input_tensor == nullptr ? output : embedding, config.vocab_size}}, hidden);
  if (!tied) weights.output = load.matrix({{output, config.vocab_size}}, hidden);
  weights.norm = norm(prefix + "norm", hidden);
  for (Index l = 0; l < config.layers; ++l) {
    const std::string layer = prefix + "layers." + std::to_string(l) + ".", attention = layer + "self_attn.",
                      mlp = layer + "mlp.";
    LayerWeights& w = weights.layers.emplace_back();
    w.input_norm = norm(layer + "input_layernorm", hidden);
    if (architecture.output_norms) {
      w.attended_norm = norm(layer + "post_attention_layernorm", hidden);
      w.mlp_norm = norm(layer + "pre_feedforward_layernorm", hidden);
      w.mlp_output_norm = norm(layer + "post_feedforward_layernorm", hidden);
    } else {
      w.mlp_norm = norm(layer + "post_attention_layernorm", hidden);
    }
    if (architecture.head_norms) {
      w.query_norm = norm(attention + "q_norm", sizes.head_dim);
      w.key_norm = norm(attention + "k_norm", sizes.head_dim);
    }
    const std::initializer_list<Part> qkv = {
        {attention + "q_proj", queries}, {attention + "k_proj", keys}, {attention + "v_proj", keys}};
    w.qkv = load.matrix(qkv, hidden);
    if (config.qkv_bias) w.qkv_bias = load.bias(qkv);
    if (config.qkv_bias && !architecture.head_norms) {
      w.key_bias.assign(w.qkv_bias.begin() + queries, w.qkv_bias.begin() + queries + keys);
      for (float& bias : w.key_bias) bias *= config.rope.attention_factor;
    }
    w.output = load.matrix({{attention + "o_proj", hidden}}, queries);
    if (config.output_bias) w.output_bias = load.bias({{attention + "o_proj", hidden}});
    const std::initializer_list<Part> gate_up = {{mlp + "gate_proj", intermediate}, {mlp + "up_proj", intermediate}};
    w.gate_up = load.matrix(gate_up, hidden);
    if (config.mlp_bias) w.gate_up_bias = load.bias(gate_up);
    w.down = load.matrix({{mlp + "down_proj", hidden}}, intermediate);
    if (config.mlp_bias) w.down_bias = load.bias({{mlp + "down_proj", hidden}});
  }
  return weights;
}

}  // namespace kvx::inline v0
