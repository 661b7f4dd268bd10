#pragma once

#include <kvx/core/error.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/core/token.hpp>
#include <kvx/io/json/json.hpp>
#include <kvx/io/mapped_file.hpp>
#include <kvx/kernels/packed_matrix.hpp>
#include <kvx/model/architecture.hpp>
#include <kvx/model/layer_sizes.hpp>
#include <kvx/model/read_number.hpp>
#include <kvx/model/read_rope.hpp>
#include <kvx/model/read_windows.hpp>
#include <kvx/model/rope_parameters.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// The configuration of a decoder: its sizes, and the properties that differ between architectures. Every size is
/// positive, and so small that the product of two sizes fits in an Index. The forward pass supports the configuration.
struct ModelConfig {
  Index hidden_size = 0, intermediate_size = 0, layers = 0;
  Index heads = 0, kv_heads = 0, head_dim = 0;  // kv_heads divides heads; head_dim is even
  Index vocab_size = 0, max_positions = 0;
  double rms_norm_eps = 0;
  Architecture architecture;
  bool qkv_bias = false, output_bias = false, mlp_bias = false, tie_word_embeddings = false;
  RopeParameters rope, sliding_rope;  // of layers without and with a window
  std::vector<bool> sliding_layers;   // [layers], or empty if no layer has a window
  Index sliding_window = 0;           // the tokens that a token of a sliding layer sees, itself among them
  double query_scalar = 0;            // attention divides q.k by its square root; usually head_dim
  std::vector<Token> stop_tokens;     // may be empty
  std::optional<Token> eos_token;     // from config.json; the first of several
  std::vector<std::string> ignored;   // settings of generation_config.json that decoding does not apply: "NAME VALUE"

  /// Reads config.json and, if it exists, generation_config.json of a model directory. Throws Error like parse(), and
  /// for the directory of an adapter.
  static ModelConfig load(const std::string& dir) {
    for (const char* name : {"/adapter_config.json", "/adapter_model.safetensors", "/adapter_model.bin"})
      if (file_exists(dir + name))
        throw Error(dir + name,
                    "expected a whole model, found an adapter; merge it into its base model first, for example with "
                    "peft's merge_and_unload");
    const auto config = JsonDocument::load_python(dir + "/config.json");
    const std::string path = dir + "/generation_config.json";
    if (!file_exists(path)) return parse(config.root());
    const auto generation = JsonDocument::load_python(path);
    return parse(config.root(), &generation.root());
  }

  /// The sizes of a layer; all layers have the same ones.
  LayerSizes layer() const {
    return {.hidden = hidden_size,
            .intermediate = intermediate_size,
            .heads = heads,
            .kv_heads = kv_heads,
            .head_dim = head_dim,
            .qkv_bias = qkv_bias,
            .output_bias = output_bias,
            .mlp_bias = mlp_bias,
            .head_norms = architecture.head_norms,
            .output_norms = architecture.output_norms};
  }
  /// The tokens that a token of layer `l` sees, itself among them; 0 if it sees all.
  Index window(Index l) const {
    return !sliding_layers.empty() && sliding_layers[static_cast<std::size_t>(l)] ? sliding_window : 0;
  }
  /// The number of layers with a window.
  Index windows() const { return static_cast<Index>(std::count(sliding_layers.begin(), sliding_layers.end(), true)); }
  /// The rows that a head of layer `l` holds after `tokens` tokens, before a press evicts any.
  Index rows(Index l, Index tokens) const { return window(l) == 0 ? tokens : std::min(tokens, window(l)); }
  /// The same, summed over the layers.
  Index rows(Index tokens) const {
    return (layers - windows()) * tokens + windows() * std::min(tokens, sliding_window);
  }
  /// The number of parameters in the embedding and the output matrix, which can be the same matrix.
  Index vocabulary_parameters() const { return (tie_word_embeddings ? 1 : 2) * vocab_size * hidden_size; }
  /// The number of parameters in the whole model: matrices, norms and biases.
  Index parameters() const { return layers * layer().parameters() + hidden_size + vocabulary_parameters(); }
  /// The bytes of the packed matrices of the whole model.
  std::size_t matrix_bytes(WeightFormat format) const {
    return static_cast<std::size_t>(layers) * layer().matrix_bytes(format) +
           (tie_word_embeddings ? 1 : 2) * output_bytes(format);
  }
  /// The bytes of the packed output matrix.
  std::size_t output_bytes(WeightFormat format) const {
    return PackedMatrix::bytes_of(format, vocab_size, hidden_size);
  }

  /// Whether `token` ends an answer.
  bool is_stop(Token token) const {
    return std::find(stop_tokens.begin(), stop_tokens.end(), token) != stop_tokens.end();
  }

  /// Reads the contents of the two files. Throws Error for a missing, wrong or out-of-range field, and for a model that
  /// the forward pass does not support.
  static ModelConfig parse(const JsonValue& config, const JsonValue* generation = nullptr);
};

namespace detail {

/// Optional fields that change what a model computes, each with the only value, as JSON, that the forward pass
/// supports.
inline constexpr auto kFixedFields = std::to_array<std::pair<std::string_view, std::string_view>>({
    {"is_causal", "true"},
    {"use_bidirectional_attention", "false"},
    {"add_cross_attention", "false"},
    {"attn_logit_softcapping", "null"},
    {"final_logit_softcapping", "null"},
    {"num_experts", "null"},
    {"num_local_experts", "null"},
    {"quantization_config", "null"},  // a quantized model has other tensors
});

/// Reads whether attention and the MLP have biases. Throws Error for a bias that the architecture does not have.
inline void read_biases(const JsonValue& config, ModelConfig& out) {
  const auto read = [&](std::string_view name, bool has_field) {
    const auto value = config.find(name);
    if (value && value->boolean() && !has_field) value->fail("false");
    return value && value->boolean();
  };
  const Architecture& architecture = out.architecture;
  if (!architecture.qkv_bias) out.output_bias = read("attention_bias", architecture.attention_bias);
  out.qkv_bias = architecture.qkv_bias || out.output_bias;
  out.mlp_bias = read("mlp_bias", architecture.mlp_bias);
}

/// The ids of the tokens that end an answer. An id of -1 stands for no token.
inline std::vector<Token> read_stop_tokens(const JsonValue& value) {
  std::vector<Token> tokens;
  const auto add = [&](const JsonValue& element) {
    const auto id = element.integer();
    if (id < -1 || id > std::numeric_limits<Token>::max()) element.fail("a token id");
    if (id >= 0) tokens.push_back(static_cast<Token>(id));
  };
  value.is_array() ? value.each_element(add) : add(value);
  return tokens;
}

/// The settings of a generation configuration that change what transformers generates, except for sampling and the
/// maximum number of tokens, for which kvx has options. The number after each setting turns it off; so do null, false,
/// and an empty list or object.
inline constexpr auto kGenerationSettings = std::to_array<std::pair<std::string_view, double>>({
    {"num_beams", 1},
    {"num_beam_groups", 1},
    {"diversity_penalty", 0},
    {"penalty_alpha", 0},
    {"guidance_scale", 1},
    {"repetition_penalty", 1},
    {"encoder_repetition_penalty", 1},
    {"no_repeat_ngram_size", 0},
    {"encoder_no_repeat_ngram_size", 0},
    {"min_length", 0},
    {"min_new_tokens", 0},
    {"forced_bos_token_id", -1},
    {"forced_eos_token_id", -1},
    {"forced_decoder_ids", -1},
    {"suppress_tokens", -1},
    {"begin_suppress_tokens", -1},
    {"bad_words_ids", -1},
    {"force_words_ids", -1},
    {"constraints", -1},
    {"sequence_bias", -1},
    {"exponential_decay_length_penalty", -1},
    {"dola_layers", -1},
    {"stop_strings", -1},
    {"token_healing", -1},
    {"watermarking_config", -1},
});

/// Whether a setting has no effect on the answer. `neutral` is the number that turns it off.
inline bool is_off(const JsonValue& value, double neutral) {
  if (value.element().is_number()) return value.number() == neutral;
  if (value.element().is_bool()) return !value.boolean();
  const std::string text = simdjson::minify(value.element());
  return text == "[]" || text == "{}";
}

/// The settings of kGenerationSettings that are not off.
inline std::vector<std::string> ignored_settings(const JsonValue& generation) {
  std::vector<std::string> ignored;
  for (const auto& [name, neutral] : kGenerationSettings)
    if (const auto value = generation.find(name); value && !is_off(*value, neutral))
      ignored.push_back(std::string(name) + " " + shortened(simdjson::minify(value->element()), 60));
  return ignored;
}

}  // namespace detail

inline ModelConfig ModelConfig::parse(const JsonValue& config, const JsonValue* generation) {
  const JsonValue type = config.at("model_type");
  const Architecture* const architecture = find_architecture(type.string());
  if (architecture == nullptr) type.fail(architecture_names());
  for (const auto& [name, expected] : detail::kFixedFields) {
    if (const auto value = config.find(name); value && simdjson::minify(value->element()) != expected)
      value->fail(expected);
  }
  const std::string activation = "\"" + std::string(name_of(architecture->activation)) + "\"";
  for (const std::string_view name : {"hidden_act", "hidden_activation"})
    if (const auto value = config.find(name); value && simdjson::minify(value->element()) != activation)
      value->fail(activation);
  ModelConfig out;
  out.architecture = *architecture;
  detail::read_biases(config, out);
  out.hidden_size = detail::read_size(config.at("hidden_size"));
  out.intermediate_size = detail::read_size(config.at("intermediate_size"));
  out.layers = detail::read_size(config.at("num_hidden_layers"), detail::kMaxLayers);
  out.vocab_size = detail::read_size(config.at("vocab_size"));
  out.max_positions = detail::read_size(config.at("max_position_embeddings"));

  const JsonValue heads = config.at("num_attention_heads");
  out.heads = out.kv_heads = detail::read_size(heads);
  if (const auto value = config.find("num_key_value_heads")) {
    out.kv_heads = detail::read_size(*value);
    if (out.heads % out.kv_heads != 0) value->fail("a divisor of num_attention_heads " + std::to_string(out.heads));
  }
  const auto head_dim = config.find("head_dim");
  if (!head_dim && architecture->head_dim == 0 && out.hidden_size % out.heads != 0)
    heads.fail("a divisor of hidden_size " + std::to_string(out.hidden_size));
  out.head_dim = head_dim                      ? detail::read_size(*head_dim)
                 : architecture->head_dim != 0 ? architecture->head_dim
                                               : out.hidden_size / out.heads;
  if (out.head_dim % 2 != 0 || out.heads * out.head_dim > detail::kMaxSize) {
    (head_dim ? *head_dim : heads).fail("heads of an even size, together at most " + std::to_string(detail::kMaxSize));
  }

  const auto eps = config.find("rms_norm_eps");
  out.rms_norm_eps = eps ? detail::read_number(*eps, 0, 1, "a number from 0 to 1") : 1e-6;
  out.query_scalar = static_cast<double>(out.head_dim);
  if (architecture->query_scalar) {
    const auto scalar = config.find("query_pre_attn_scalar");
    out.query_scalar = scalar ? detail::read_number(*scalar, 1e-3, 1e6, "a number from 0.001 to 1e6") : 256;
  }
  std::tie(out.rope, out.sliding_rope) = detail::read_rope(config, *architecture, out.max_positions);
  const auto tie = config.find("tie_word_embeddings");
  out.tie_word_embeddings = tie ? tie->boolean() : architecture->tied;
  auto windows = detail::read_windows(config, architecture->windows, out.layers, out.max_positions);
  out.sliding_layers = std::move(windows.slides);
  out.sliding_window = windows.window;

  const auto config_stop = config.find("eos_token_id");
  auto stop = generation != nullptr ? generation->find("eos_token_id") : std::nullopt;
  if (stop || config_stop) out.stop_tokens = detail::read_stop_tokens(stop ? *stop : *config_stop);
  const auto eos = config_stop ? detail::read_stop_tokens(*config_stop) : out.stop_tokens;
  if (!eos.empty()) out.eos_token = eos.front();
  if (generation != nullptr) out.ignored = detail::ignored_settings(*generation);
  return out;
}

}  // namespace kvx::inline v0
