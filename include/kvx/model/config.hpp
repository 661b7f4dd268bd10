#pragma once

#include <kvx/core/error.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/core/token.hpp>
#include <kvx/io/json/json.hpp>
#include <kvx/io/mapped_file.hpp>
#include <kvx/kernels/packed_matrix.hpp>
#include <kvx/model/architecture.hpp>
#include <kvx/model/layer_sizes.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// The configuration of a decoder: its sizes, and the properties that differ between architectures. Every size is
/// positive, and so small that the product of two sizes fits in an Index. The forward pass supports the configuration.
struct ModelConfig {
  Index hidden_size = 0, intermediate_size = 0, layers = 0;
  Index heads = 0, kv_heads = 0, head_dim = 0;  // kv_heads divides heads; head_dim is even
  Index vocab_size = 0, max_positions = 0;
  double rms_norm_eps = 0, rope_theta = 0;
  bool qkv_bias = false, tie_word_embeddings = false;
  std::vector<Token> stop_tokens;    // may be empty
  std::optional<Token> eos_token;    // from config.json; the first of several
  std::vector<std::string> ignored;  // settings of generation_config.json that decoding does not apply: "NAME VALUE"

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
  LayerSizes layer() const { return {hidden_size, intermediate_size, heads, kv_heads, head_dim, qkv_bias}; }
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

inline constexpr Index kMaxSize = Index{1} << 24;
inline constexpr Index kMaxLayers = 1024;

inline Index read_size(const JsonValue& value, Index maximum = kMaxSize) {
  const Index size = value.whole();
  if (size < 1 || size > maximum) value.fail("an integer from 1 to " + std::to_string(maximum));
  return size;
}

inline double read_number(const JsonValue& value, double minimum, double maximum, std::string_view expected) {
  const double number = value.number();
  if (!(number >= minimum && number <= maximum)) value.fail(expected);
  return number;
}

/// Optional fields that change what a model computes, each with the only value, as JSON, that the forward pass
/// supports.
inline constexpr auto kFixedFields = std::to_array<std::pair<std::string_view, std::string_view>>({
    {"hidden_act", "\"silu\""},
    {"mlp_bias", "false"},
    {"is_causal", "true"},
    {"quantization_config", "null"},  // a quantized model has other tensors
});

/// Whether a rope_scaling or rope_parameters object does not change the angles: no scaling, or scaling by 1.
inline bool is_plain_rope(const JsonValue& rope, std::string_view type) {
  if (type == "default") return true;
  const auto factor = rope.find("factor");
  return (type == "linear" || type == "dynamic") && factor && factor->number() == 1;
}

/// The base of the rotary angles, which transformers 4 writes at the top level, and transformers 5 in rope_parameters.
/// Throws Error for any rotation other than the plain one of all channels.
inline double read_rope_theta(const JsonValue& config) {
  auto theta = config.find("rope_theta");
  const auto expect_all_channels = [](const JsonValue& factor) {
    if (factor.number() != 1) factor.fail("1, a rotation of all channels");
  };
  if (const auto factor = config.find("partial_rotary_factor")) expect_all_channels(*factor);
  for (const std::string_view field : {"rope_scaling", "rope_parameters"}) {
    const auto rope = config.find(field);
    if (!rope) continue;
    for (const std::string_view name : {"rope_type", "type"})
      if (const auto type = rope->find(name); type && !is_plain_rope(*rope, type->string())) type->fail("\"default\"");
    if (const auto factor = rope->find("factor"); factor && !rope->find("rope_type") && !rope->find("type"))
      if (factor->number() != 1) factor->fail("1, since no rope_type says how to scale");
    rope->each_member([&](std::string_view name, const JsonValue& value) {
      if (name == "rope_theta")
        theta = value;
      else if (name == "partial_rotary_factor")
        expect_all_channels(value);
      else if (name != "rope_type" && name != "type" && name != "factor")
        value.fail("only rope_type, rope_theta, factor and partial_rotary_factor here");
    });
  }
  return theta ? read_number(*theta, 1, 1e18, "a number from 1 to 1e18") : 10000.0;
}

/// Throws Error if a layer would attend only to a part of the context, by the rules of transformers' Qwen2Config.
inline void check_full_attention(const JsonValue& config, const ModelConfig& sizes) {
  const auto use_window = config.find("use_sliding_window"), window = config.find("sliding_window"),
             first = config.find("max_window_layers");
  const bool slides = use_window && use_window->boolean();
  const Index tokens = slides && window ? read_size(*window) : 4096;
  const bool sees_all = slides && tokens >= sizes.max_positions;
  if (const auto types = config.find("layer_types")) {
    if (static_cast<Index>(types->array().size()) != sizes.layers)
      types->fail(std::to_string(sizes.layers) + " entries, one for each layer");
    types->each_element([&](const JsonValue& type) {
      if (type.string() != "full_attention" && !(type.string() == "sliding_attention" && sees_all))
        type.fail("\"full_attention\"");
    });
    return;
  }
  const Index full_layers = first ? first->integer() : 28;
  if (slides && full_layers < sizes.layers && !sees_all)
    use_window->fail("no window of " + std::to_string(tokens) + " tokens from layer " + std::to_string(full_layers) +
                     " on");
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
  ModelConfig out;
  out.qkv_bias = architecture->qkv_bias;
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
  if (!head_dim && out.hidden_size % out.heads != 0) {
    heads.fail("a divisor of hidden_size " + std::to_string(out.hidden_size));
  }
  out.head_dim = head_dim ? detail::read_size(*head_dim) : out.hidden_size / out.heads;
  if (out.head_dim % 2 != 0 || out.heads * out.head_dim > detail::kMaxSize) {
    (head_dim ? *head_dim : heads).fail("heads of an even size, together at most " + std::to_string(detail::kMaxSize));
  }

  const auto eps = config.find("rms_norm_eps");
  out.rms_norm_eps = eps ? detail::read_number(*eps, 0, 1, "a number from 0 to 1") : 1e-6;
  out.rope_theta = detail::read_rope_theta(config);
  if (const auto tie = config.find("tie_word_embeddings")) out.tie_word_embeddings = tie->boolean();
  detail::check_full_attention(config, out);

  const auto config_stop = config.find("eos_token_id");
  auto stop = generation != nullptr ? generation->find("eos_token_id") : std::nullopt;
  if (stop || config_stop) out.stop_tokens = detail::read_stop_tokens(stop ? *stop : *config_stop);
  const auto eos = config_stop ? detail::read_stop_tokens(*config_stop) : out.stop_tokens;
  if (!eos.empty()) out.eos_token = eos.front();
  if (generation != nullptr) out.ignored = detail::ignored_settings(*generation);
  return out;
}

}  // namespace kvx::inline v0
