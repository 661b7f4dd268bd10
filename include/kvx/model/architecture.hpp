#pragma once

#include <kvx/core/tensor_view.hpp>

#include <array>
#include <string>
#include <string_view>

namespace kvx::inline v0 {

/// The function that the gate of an MLP passes through.
enum class Activation { silu, gelu_tanh };
/// The name of an activation in config.json.
constexpr std::string_view name_of(Activation activation) {
  return activation == Activation::silu ? "silu" : "gelu_pytorch_tanh";
}

/// How config.json says which layers attend only to the last tokens.
enum class Windows {
  none,   ///< no layer does
  all,    ///< `sliding_window`: every layer does; refused unless the window holds all positions
  qwen,   ///< `use_sliding_window` and `max_window_layers`, or `layer_types`; refused in the same way
  gemma,  ///< `layer_types` or `sliding_window_pattern`
};

/// A family of decoders that differs from others in more than sizes. config.json names it in `model_type`. Every layer
/// adds attention, then a gated MLP to the hidden states; the rest is stated here.
struct Architecture {
  std::string_view model_type = "";
  bool qkv_bias = false;        ///< whether queries, keys and values always have a bias
  bool attention_bias = false;  ///< whether `attention_bias` adds one to queries, keys, values and attention's output
  bool mlp_bias = false;        ///< whether `mlp_bias` adds one to gate, up and down
  bool head_norms = false;      ///< whether each head's queries and keys have a norm, before RoPE
  bool output_norms = false;    ///< whether the outputs of attention and of the MLP have a norm, before they are added
  bool norms_add_one = false;   ///< whether norms multiply by 1 + their weights
  bool scales_embedding = false;  ///< whether embeddings are multiplied by the square root of their size
  bool query_scalar = false;      ///< whether `query_pre_attn_scalar` takes the place of head_dim in attention's scale
  Activation activation = Activation::silu;
  Windows windows = Windows::none;
  Index head_dim = 0;       ///< `head_dim` where config.json has none; 0 stands for hidden_size / heads
  double rope_theta = 1e4;  ///< `rope_theta` where config.json has none
  bool tied = false;        ///< `tie_word_embeddings` where config.json has none
};

/// The architectures that Decoder computes.
inline constexpr auto kArchitectures = std::to_array<Architecture>({
    // Yang et al., arXiv:2407.10671
    {.model_type = "qwen2", .qkv_bias = true, .windows = Windows::qwen},
    // Yang et al., arXiv:2505.09388
    {.model_type = "qwen3", .attention_bias = true, .head_norms = true, .windows = Windows::qwen, .head_dim = 128},
    // Touvron et al., arXiv:2307.09288; Grattafiori et al., arXiv:2407.21783
    {.model_type = "llama", .attention_bias = true, .mlp_bias = true},
    // Jiang et al., arXiv:2310.06825
    {.model_type = "mistral", .windows = Windows::all},
    // Gemma Team, arXiv:2503.19786
    {.model_type = "gemma3_text",
     .attention_bias = true,
     .head_norms = true,
     .output_norms = true,
     .norms_add_one = true,
     .scales_embedding = true,
     .query_scalar = true,
     .activation = Activation::gelu_tanh,
     .windows = Windows::gemma,
     .head_dim = 256,
     .rope_theta = 1e6,
     .tied = true},
});

/// The architecture of that name, or nullptr if it is unknown.
inline const Architecture* find_architecture(std::string_view model_type) {
  for (const Architecture& architecture : kArchitectures)
    if (architecture.model_type == model_type) return &architecture;
  return nullptr;
}

/// The names of all architectures as a text for errors: "qwen2" in quotation marks, with commas between them.
inline std::string architecture_names() {
  std::string names;
  for (const Architecture& architecture : kArchitectures)
    names.append(names.empty() ? "\"" : ", \"").append(architecture.model_type).append("\"");
  return names;
}

}  // namespace kvx::inline v0
