#pragma once

#include "support/random_floats.hpp"
#include "support/temp_dir.hpp"
#include "support/tiny_random.hpp"

#include <kvx/core/tensor_view.hpp>
#include <kvx/io/json/json.hpp>
#include <kvx/model/architecture.hpp>
#include <kvx/model/config.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvx_test {

/// The config.json of a small model of an architecture, with biases, scaled angles and windows if the architecture has
/// them. head_dim is not hidden_size / heads.
inline std::string tiny_config(std::string_view model_type) {
  std::string fields;
  if (model_type == "llama")
    fields = R"("attention_bias":true,"mlp_bias":true,"rope_scaling":{"rope_type":"llama3","factor":8.0,)"
             R"("low_freq_factor":1.0,"high_freq_factor":4.0,"original_max_position_embeddings":64})";
  if (model_type == "mistral") fields = R"("sliding_window":null,"rope_scaling":{"type":"linear","factor":2.0})";
  if (model_type == "qwen2" || model_type == "qwen3")
    fields = R"("rope_parameters":{"rope_type":"yarn","factor":4.0,"original_max_position_embeddings":128})";
  if (model_type == "gemma3_text")
    fields = R"("sliding_window":20,"query_pre_attn_scalar":20,"layer_types":)"
             R"(["sliding_attention","full_attention","sliding_attention","full_attention"])";
  return R"({"model_type":")" + std::string(model_type) +
         R"(","hidden_size":40,"intermediate_size":52,"num_hidden_layers":4,"vocab_size":128,)"
         R"("max_position_embeddings":4096,"num_attention_heads":4,"num_key_value_heads":2,"head_dim":12,)" +
         fields + "}";
}

/// A directory with a small random model of an architecture.
class TinyArchitecture {
 public:
  explicit TinyArchitecture(std::string_view model_type) {
    const std::string text = tiny_config(model_type);
    const auto document = kvx::JsonDocument::parse(text, "config.json");
    const auto config = kvx::ModelConfig::parse(document.root());
    const kvx::Index hidden = config.hidden_size, wide = config.intermediate_size, queries = config.layer().queries(),
                     keys = config.layer().keys(), dim = config.head_dim;
    const auto matrix = [&](const std::string& name, kvx::Index out, kvx::Index in, bool bias = false) {
      add(name + ".weight", {out, in}, 0, 0.5f);
      if (bias) add(name + ".bias", {out}, 0, 0.5f);
    };
    const auto norm = [&](const std::string& name, kvx::Index size) {
      add(name + ".weight", {size}, config.architecture.norms_add_one ? 0.0f : 1.0f, 0.5f);
    };
    matrix("model.embed_tokens", config.vocab_size, hidden);
    if (!config.tie_word_embeddings) matrix("lm_head", config.vocab_size, hidden);
    norm("model.norm", hidden);
    for (kvx::Index l = 0; l < config.layers; ++l) {
      const std::string layer = "model.layers." + std::to_string(l) + ".", attention = layer + "self_attn.",
                        mlp = layer + "mlp.";
      norm(layer + "input_layernorm", hidden);
      norm(layer + "post_attention_layernorm", hidden);
      if (config.architecture.output_norms) {
        norm(layer + "pre_feedforward_layernorm", hidden);
        norm(layer + "post_feedforward_layernorm", hidden);
      }
      if (config.architecture.head_norms) {
        norm(attention + "q_norm", dim);
        norm(attention + "k_norm", dim);
      }
      matrix(attention + "q_proj", queries, hidden, config.qkv_bias);
      matrix(attention + "k_proj", keys, hidden, config.qkv_bias);
      matrix(attention + "v_proj", keys, hidden, config.qkv_bias);
      matrix(attention + "o_proj", hidden, queries, config.output_bias);
      matrix(mlp + "gate_proj", wide, hidden, config.mlp_bias);
      matrix(mlp + "up_proj", wide, hidden, config.mlp_bias);
      matrix(mlp + "down_proj", hidden, wide, config.mlp_bias);
    }
    dir_.write("config.json", text);
    dir_.write("model.safetensors", file_of(raw_));
  }

  const std::string& path() const { return dir_.path(); }
  /// The number of elements of all tensors.
  kvx::Index elements() const {
    std::size_t bytes = 0;
    for (const auto& [name, tensor] : raw_) bytes += tensor.bytes.size();
    return static_cast<kvx::Index>(bytes / sizeof(float));
  }

 private:
  /// A tensor of random numbers, at most `spread` from `mean`.
  void add(const std::string& name, const std::vector<kvx::Index>& shape, float mean, float spread) {
    std::size_t count = 1;
    for (const kvx::Index size : shape) count *= static_cast<std::size_t>(size);
    std::string bytes;
    for (const float x : random_floats(count, seed_++)) {
      const float value = mean + spread * x;
      bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
    }
    raw_[name] = {"F32", shape, bytes};
  }

  TempDir dir_;
  RawTensors raw_;
  std::uint64_t seed_ = 1;
};

}  // namespace kvx_test
