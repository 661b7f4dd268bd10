#pragma once

#include <kvx/core/error.hpp>
#include <kvx/io/json/json.hpp>
#include <kvx/model/config.hpp>

#include <array>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>

namespace kvx::inline v0 {

/// The configuration of a published model.
struct ModelShape {
  std::string_view name;
  std::string_view config;  ///< its config.json: the fields that the forward pass depends on
};

/// Shapes by name, without weights: the base models as published in the Hugging Face hub.
inline constexpr auto kModelShapes = std::to_array<ModelShape>({
    {"llama-3.2-1b", R"({"model_type": "llama", "hidden_size": 2048, "intermediate_size": 8192, "num_hidden_layers": 16,
      "num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 64, "vocab_size": 128256,
      "max_position_embeddings": 131072, "rms_norm_eps": 1e-05, "rope_theta": 500000.0, "rope_scaling": {"rope_type":
      "llama3", "factor": 32.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings":
      8192}, "attention_bias": false, "mlp_bias": false, "tie_word_embeddings": true, "hidden_act": "silu"})"},
    {"llama-3.1-8b", R"({"model_type": "llama", "hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers":
      32, "num_attention_heads": 32, "num_key_value_heads": 8, "vocab_size": 128256, "max_position_embeddings": 131072,
      "rms_norm_eps": 1e-05, "rope_theta": 500000.0, "rope_scaling": {"rope_type": "llama3", "factor": 8.0,
      "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 8192}, "attention_bias":
      false, "mlp_bias": false, "tie_word_embeddings": false, "hidden_act": "silu"})"},
    {"qwen3-0.6b", R"({"model_type": "qwen3", "hidden_size": 1024, "intermediate_size": 3072, "num_hidden_layers": 28,
      "num_attention_heads": 16, "num_key_value_heads": 8, "head_dim": 128, "vocab_size": 151936,
      "max_position_embeddings": 40960, "rms_norm_eps": 1e-06, "rope_theta": 1000000, "rope_scaling": null,
      "attention_bias": false, "use_sliding_window": false, "tie_word_embeddings": true, "hidden_act": "silu"})"},
    {"qwen3-8b", R"({"model_type": "qwen3", "hidden_size": 4096, "intermediate_size": 12288, "num_hidden_layers": 36,
      "num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 128, "vocab_size": 151936,
      "max_position_embeddings": 40960, "rms_norm_eps": 1e-06, "rope_theta": 1000000, "rope_scaling": null,
      "attention_bias": false, "use_sliding_window": false, "tie_word_embeddings": false, "hidden_act": "silu"})"},
    {"qwen2.5-0.5b", R"({"model_type": "qwen2", "hidden_size": 896, "intermediate_size": 4864, "num_hidden_layers": 24,
      "num_attention_heads": 14, "num_key_value_heads": 2, "vocab_size": 151936, "max_position_embeddings": 32768,
      "rms_norm_eps": 1e-06, "rope_theta": 1000000.0, "use_sliding_window": false, "tie_word_embeddings": true,
      "hidden_act": "silu"})"},
    {"qwen2.5-7b", R"({"model_type": "qwen2", "hidden_size": 3584, "intermediate_size": 18944, "num_hidden_layers": 28,
      "num_attention_heads": 28, "num_key_value_heads": 4, "vocab_size": 152064, "max_position_embeddings": 131072,
      "rms_norm_eps": 1e-06, "rope_theta": 1000000.0, "use_sliding_window": false, "tie_word_embeddings": false,
      "hidden_act": "silu"})"},
    {"mistral-7b", R"({"model_type": "mistral", "hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers":
      32, "num_attention_heads": 32, "num_key_value_heads": 8, "vocab_size": 32768, "max_position_embeddings": 32768,
      "rms_norm_eps": 1e-05, "rope_theta": 1000000.0, "sliding_window": null, "tie_word_embeddings": false,
      "hidden_act": "silu"})"},  // version 0.3
    {"gemma3-270m", R"({"model_type": "gemma3_text", "hidden_size": 640, "intermediate_size": 2048,
      "num_hidden_layers": 18, "num_attention_heads": 4, "num_key_value_heads": 1, "head_dim": 256, "vocab_size":
      262144, "max_position_embeddings": 32768, "rms_norm_eps": 1e-06, "rope_theta": 1000000.0, "rope_local_base_freq":
      10000.0, "rope_scaling": null, "query_pre_attn_scalar": 256, "sliding_window": 512, "sliding_window_pattern": 6,
      "attention_bias": false, "hidden_activation": "gelu_pytorch_tanh"})"},
    {"gemma3-1b", R"({"model_type": "gemma3_text", "hidden_size": 1152, "intermediate_size": 6912,
      "num_hidden_layers": 26, "num_attention_heads": 4, "num_key_value_heads": 1, "head_dim": 256, "vocab_size":
      262144, "max_position_embeddings": 32768, "rms_norm_eps": 1e-06, "rope_theta": 1000000.0, "rope_local_base_freq":
      10000.0, "rope_scaling": null, "query_pre_attn_scalar": 256, "sliding_window": 512, "sliding_window_pattern": 6,
      "attention_bias": false, "hidden_activation": "gelu_pytorch_tanh"})"},
});

/// The names in kModelShapes, with commas between them.
inline std::string model_shape_names() {
  std::string names;
  for (const ModelShape& shape : kModelShapes) names.append(names.empty() ? "" : ", ").append(shape.name);
  return names;
}

/// The configuration of a shape in kModelShapes, or that in a model directory, of which only config.json is needed.
/// Throws Error for a name that is neither, and like ModelConfig::load().
inline ModelConfig load_model_shape(const std::string& name) {
  for (const ModelShape& shape : kModelShapes)
    if (shape.name == name) return ModelConfig::parse(JsonDocument::parse(shape.config, name).root());
  std::error_code code;
  if (std::filesystem::is_directory(name, code)) return ModelConfig::load(name);
  throw Error("shape " + detail::shortened(name, 200),
              "expected a directory with a config.json, or one of " + model_shape_names() + ", found neither");
}

}  // namespace kvx::inline v0
