#include <kvx/io/json/json_tree.hpp>
#include <kvx/io/json/json_tree_parse.hpp>
#include <kvx/io/text_file.hpp>
#include <kvx/model/config.hpp>

#include <doctest/doctest.h>

#include <filesystem>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "support/error_of.hpp"
#include "support/reference.hpp"
#include "support/temp_dir.hpp"

using kvx::ModelConfig;
using kvx::Token;

namespace {

const std::string kSizes =
    R"("model_type":"qwen2","hidden_size":48,"intermediate_size":64,"num_hidden_layers":3,"vocab_size":100,)"
    R"("max_position_embeddings":4096,"num_attention_heads":4)";

ModelConfig parse(const std::string& config) {
  const auto document = kvx::JsonDocument::parse(config, "config.json");
  return ModelConfig::parse(document.root());
}

/// A small valid configuration with more fields. They come last, so they replace the same fields of kSizes.
ModelConfig with(const std::string& fields) { return parse("{" + kSizes + "," + fields + "}"); }
std::string complaint(const std::string& fields) {
  return error_of([&] { with(fields); });
}

}  // namespace

TEST_CASE("missing optional fields have transformers' defaults") {
  const ModelConfig config = parse("{" + kSizes + "}");
  CHECK(config.hidden_size == 48);
  CHECK(config.intermediate_size == 64);
  CHECK(config.layers == 3);
  CHECK(config.vocab_size == 100);
  CHECK(config.max_positions == 4096);
  CHECK(config.heads == 4);
  CHECK(config.kv_heads == 4);
  CHECK(config.head_dim == 12);
  CHECK(config.rms_norm_eps == 1e-6);
  CHECK(config.rope.theta == 10000);
  CHECK_FALSE(config.tie_word_embeddings);
  CHECK(config.stop_tokens.empty());
}

TEST_CASE("missing optional fields have the defaults of their architecture") {
  const auto of = [](const std::string& type, const std::string& fields = "") {
    return with("\"model_type\":\"" + type + "\"" + fields);
  };
  CHECK(of("llama", R"(,"head_dim":null)").head_dim == 12);
  CHECK(of("mistral").head_dim == 12);
  CHECK(of("qwen3").head_dim == 128);
  CHECK(of("qwen3").query_scalar == 128);
  CHECK_FALSE(of("qwen3").qkv_bias);
  CHECK_FALSE(of("llama").mlp_bias);
  const ModelConfig gemma = of("gemma3_text", R"(,"num_hidden_layers":7)");
  CHECK(gemma.head_dim == 256);
  CHECK(gemma.query_scalar == 256);
  CHECK(gemma.tie_word_embeddings);
  CHECK(gemma.rope.theta == 1e6);
  CHECK(gemma.sliding_rope.theta == 1e4);
  CHECK(gemma.windows() == 6);
  CHECK(gemma.window(4) == 4096);
  CHECK(gemma.window(5) == 0);
  CHECK(gemma.window(6) == 4096);
  CHECK(gemma.rows(5000) == 5000 + 6 * 4096);
  CHECK(of("gemma3_text", R"(,"sliding_window_pattern":1,"sliding_window":null)").windows() == 0);
}

TEST_CASE("biases, scales and windows are those of the architecture") {
  const ModelConfig llama = with(R"("model_type":"llama","attention_bias":true,"mlp_bias":true)");
  CHECK(llama.qkv_bias);
  CHECK(llama.output_bias);
  CHECK(llama.mlp_bias);
  CHECK(llama.layer().biases() == 3 * 48 + 48 + 2 * 64 + 48);
  CHECK_FALSE(with(R"("attention_bias":true)").output_bias);
  CHECK(complaint(R"("model_type":"mistral","attention_bias":true)") ==
        "config.json: field attention_bias: expected false, found true");
  const ModelConfig gemma = with(R"("model_type":"gemma3_text","query_pre_attn_scalar":24,"sliding_window":16,)"
                                 R"("layer_types":["sliding_attention","full_attention","sliding_attention"],)"
                                 R"("hidden_activation":"gelu_pytorch_tanh")");
  CHECK(gemma.query_scalar == 24);
  CHECK(gemma.window(0) == 16);
  CHECK(gemma.window(1) == 0);
  CHECK(gemma.rows(0, 20) == 16);
  CHECK(gemma.rows(1, 20) == 20);
  CHECK(gemma.layer().norms() == 4 * 48 + 2 * 256);
}

TEST_CASE("scaled rotations need all of their parameters") {
  const auto rope = [](const std::string& members) { return complaint("\"rope_parameters\":{" + members + "}"); };
  const std::string where = "config.json: field rope_parameters";
  CHECK(rope(R"("rope_type":"llama3","factor":8,"low_freq_factor":1,"high_freq_factor":4)") == "");
  CHECK(rope(R"("rope_type":"llama3","factor":8,"low_freq_factor":1)") == where + ": missing field high_freq_factor");
  CHECK(rope(R"("rope_type":"llama3","factor":8,"low_freq_factor":4,"high_freq_factor":4)") ==
        where + ".low_freq_factor: expected a number below high_freq_factor, found 4");
  CHECK(rope(R"("rope_type":"yarn","factor":0)") == where + ".factor: expected a number from 1e-6 to 1e9, found 0");
  CHECK(rope(R"("rope_type":"yarn","type":"linear","factor":2)") ==
        where + ".type: expected the same as rope_type, \"yarn\", found \"linear\"");
  CHECK(rope(R"("rope_type":"linear","factor":2,"beta_fast":32)") ==
        where +
            ".beta_fast: expected only rope_type, rope_theta, factor and partial_rotary_factor here, and the members "
            "of linear, found 32");
  CHECK(complaint(R"("model_type":"gemma3_text","rope_parameters":{"rope_type":"default"})") ==
        where + ".rope_type: expected only full_attention and sliding_attention here, found \"default\"");
}

TEST_CASE("fields that exist are used") {
  const ModelConfig config = with(
      R"("num_key_value_heads":2,"head_dim":16,"rms_norm_eps":1e-5,"rope_theta":1000000,"tie_word_embeddings":true,)"
      R"("eos_token_id":[7,9],"rope_scaling":null,"attention_bias":true,"mlp_bias":false,"hidden_act":"silu")");
  CHECK(config.kv_heads == 2);
  CHECK(config.head_dim == 16);
  CHECK(config.rms_norm_eps == 1e-5);
  CHECK(config.rope.theta == 1e6);
  CHECK(config.tie_word_embeddings);
  CHECK(config.stop_tokens == std::vector<Token>{7, 9});
}

TEST_CASE("rotations are accepted in both notations, and those that are not supported are refused") {
  CHECK(with(R"("rope_parameters":{"rope_type":"default","rope_theta":5e5})").rope.theta == 5e5);
  CHECK(with(R"("rope_theta":2e5,"rope_parameters":{"rope_type":"default"})").rope.theta == 2e5);
  CHECK(with(R"("rope_theta":2e5,"rope_scaling":{"type":"default"})").rope.theta == 2e5);
  for (const std::string type : {"longrope", "dynamic", "su"})
    CHECK(complaint(R"("rope_scaling":{"factor":4.0,"type":")" + type + R"("})") ==
          "config.json: field rope_scaling.type: expected \"default\", \"linear\", \"llama3\" or \"yarn\", found \"" +
              type + "\"");
  CHECK(complaint(R"("rope_parameters":{"full_attention":{"rope_theta":1}})") ==
        "config.json: field rope_parameters.full_attention: expected only rope_type, rope_theta, factor and "
        "partial_rotary_factor here, found "
        "{\"rope_theta\":1}");
  CHECK(complaint(R"("rope_scaling":{"type":"linear"})") == "config.json: field rope_scaling: missing field factor");
  CHECK(complaint(R"("partial_rotary_factor":0.5)") ==
        "config.json: field partial_rotary_factor: expected 1, a rotation of all channels, found 0.5");
  CHECK(complaint(R"("rope_parameters":{"rope_type":"default","partial_rotary_factor":0.25})") ==
        "config.json: field rope_parameters.partial_rotary_factor: expected 1, a rotation of all channels, found 0.25");
  CHECK(complaint(R"("rope_scaling":{"factor":4.0})") ==
        "config.json: field rope_scaling.factor: expected 1, since no rope_type says how to scale, found 4.0");
  CHECK(with(R"("sliding_window":0,"use_sliding_window":false)").rope.theta == 1e4);  // sliding_window is not used
  CHECK(complaint(R"("rope_scaling":4)") == "config.json: field rope_scaling: expected an object, found 4");
  CHECK(complaint(R"("rope_theta":0)") == "config.json: field rope_theta: expected a number from 1 to 1e18, found 0");
}

TEST_CASE("a configuration that the forward pass does not support is refused") {
  CHECK(error_of([] { parse("{}"); }) == "config.json: missing field model_type");
  CHECK(error_of([] { parse("[]"); }) == "config.json: expected an object, found []");
  CHECK(complaint(R"("model_type":"gemma2")") ==
        "config.json: field model_type: expected \"qwen2\", \"qwen3\", \"llama\", \"mistral\", \"gemma3_text\", found "
        "\"gemma2\"");
  CHECK(complaint(R"("hidden_act":"gelu")") == "config.json: field hidden_act: expected \"silu\", found \"gelu\"");
  CHECK(complaint(R"("mlp_bias":true)") == "config.json: field mlp_bias: expected false, found true");
  CHECK(complaint(R"("model_type":"gemma3_text","hidden_activation":"silu")") ==
        "config.json: field hidden_activation: expected \"gelu_pytorch_tanh\", found \"silu\"");
  CHECK(complaint(R"("attn_logit_softcapping":50.0)") ==
        "config.json: field attn_logit_softcapping: expected null, found 50.0");
  CHECK(complaint(R"("num_local_experts":8)") == "config.json: field num_local_experts: expected null, found 8");
  CHECK(complaint(R"("add_cross_attention":true)") ==
        "config.json: field add_cross_attention: expected false, found true");
  CHECK(complaint(R"("is_causal":false)") == "config.json: field is_causal: expected true, found false");
  CHECK(complaint(R"("quantization_config":{"bits":4})") ==
        "config.json: field quantization_config: expected null, found {\"bits\":4}");
}

TEST_CASE("a sliding window is refused if it is shorter than the context") {
  CHECK(complaint(R"("use_sliding_window":false,"sliding_window":64,"max_window_layers":0)") == "");
  CHECK(complaint(R"("use_sliding_window":true,"sliding_window":64,"max_window_layers":3)") == "");
  CHECK(complaint(R"("use_sliding_window":true,"sliding_window":64)") == "");    // max_window_layers is 28
  CHECK(complaint(R"("use_sliding_window":true,"max_window_layers":0)") == "");  // sliding_window is 4096
  CHECK(complaint(R"("use_sliding_window":true,"sliding_window":4095,"max_window_layers":2)") ==
        "config.json: field use_sliding_window: expected no window of 4095 tokens from layer 2 on, found true");
  CHECK(complaint(R"("layer_types":["full_attention","full_attention","full_attention"])") == "");
  CHECK(complaint(R"("layer_types":["full_attention","sliding_attention","full_attention"])") ==
        "config.json: field layer_types[1]: expected \"full_attention\", found \"sliding_attention\"");
  CHECK(complaint(R"("sliding_window":4096,"layer_types":["full_attention","sliding_attention","full_attention"])") ==
        "config.json: field layer_types[1]: expected \"full_attention\", found \"sliding_attention\"");
  CHECK(complaint(R"("layer_types":["full_attention"])") ==
        "config.json: field layer_types: expected 3 entries, one for each layer, found [\"full_attention\"]");
}

TEST_CASE("a window in all layers of Mistral is refused if it is shorter than the context") {
  const auto mistral = [](const std::string& fields) { return complaint(R"("model_type":"mistral",)" + fields); };
  CHECK(mistral(R"("sliding_window":null,"max_position_embeddings":32768)") == "");
  CHECK(mistral(R"("sliding_window":4096)") == "");
  CHECK(mistral(R"("sliding_window":4095)") ==
        "config.json: field sliding_window: expected null or at least max_position_embeddings 4096, found 4095");
  CHECK(mistral(R"("max_position_embeddings":32768)") ==
        "config.json: field sliding_window: expected null or at least max_position_embeddings 32768, found none, which "
        "stands for 4096");
  CHECK(complaint(R"("model_type":"llama","layer_types":["full_attention","linear_attention","full_attention"])") ==
        "config.json: field layer_types[1]: expected \"full_attention\", found \"linear_attention\"");
}

TEST_CASE("a field that asks for the default computation is accepted") {
  CHECK_FALSE(with(R"("attention_bias":false)").tie_word_embeddings);  // transformers' Qwen2 uses neither
  CHECK(with(R"("rope_scaling":{"type":"linear","factor":1.0})").rope.theta == 1e4);
  CHECK(with(R"("rope_scaling":{"rope_type":"dynamic","factor":1})").rope.theta == 1e4);
  CHECK(with(R"("rope_parameters":{"rope_type":"default","rope_theta":5e5,"partial_rotary_factor":1.0})").rope.theta ==
        5e5);
  CHECK(with(R"("partial_rotary_factor":1)").rope.theta == 1e4);
  CHECK(with(R"("max_position_embeddings":8192.0)").max_positions == 8192);
  CHECK(with(R"("use_sliding_window":true,"sliding_window":4096,)"
             R"("layer_types":["full_attention","sliding_attention","sliding_attention"])")
            .layers == 3);
  CHECK(with(R"("eos_token_id":-1)").stop_tokens.empty());
  CHECK(with(R"("eos_token_id":[4,-1])").stop_tokens == std::vector<Token>{4});
  CHECK(with(R"("rope_theta":2e5,"rope_theta":1e6)").rope.theta == 1e6);  // the last one counts, as in Python
}

TEST_CASE("generation settings that change which tokens are generated are noted") {
  const auto config = kvx::JsonDocument::parse("{" + kSizes + ",\"eos_token_id\":[3,4]}", "config.json");
  const auto ignored = [&](const std::string& generation) {
    const auto document = kvx::JsonDocument::parse(generation, "generation_config.json");
    return ModelConfig::parse(config.root(), &document.root()).ignored;
  };
  using Notes = std::vector<std::string>;
  CHECK(
      ignored(R"({"repetition_penalty":1.0,"no_repeat_ngram_size":0,"suppress_tokens":[],"temperature":0.7})").empty());
  CHECK(ignored(R"({"num_beams":1,"num_beam_groups":1,"forced_eos_token_id":null,"bad_words_ids":[],"min_new_tokens":0,
                    "sequence_bias":{},"token_healing":false,"guidance_scale":1.0,"min_length":0,"max_length":20})")
            .empty());
  for (const std::string setting :
       {R"("num_beams":4)", R"("num_beam_groups":2)", R"("forced_eos_token_id":0)", R"("forced_bos_token_id":1)",
        R"("suppress_tokens":[5])", R"("no_repeat_ngram_size":3)", R"("bad_words_ids":[[1,2]])",
        R"("min_new_tokens":2)", R"("sequence_bias":[[[1],2.5]])", R"("stop_strings":"END")", R"("token_healing":true)",
        R"("guidance_scale":1.5)", R"("penalty_alpha":0.6)", R"("dola_layers":"low")",
        R"("exponential_decay_length_penalty":[4,1.1])", R"("forced_decoder_ids":[[1,2]])"}) {
    const std::size_t colon = setting.find(':');
    CHECK(ignored("{" + setting + "}") == Notes{setting.substr(1, colon - 2) + " " + setting.substr(colon + 1)});
  }
  CHECK(ignored(R"({"repetition_penalty":1.3})") == Notes{"repetition_penalty 1.3"});
  CHECK(ignored(R"({"suppress_tokens":[5],"no_repeat_ngram_size":3})") ==
        Notes{"no_repeat_ngram_size 3", "suppress_tokens [5]"});
  const auto stop = kvx::JsonDocument::parse(R"({"eos_token_id":9})", "generation_config.json");
  CHECK(ModelConfig::parse(config.root(), &stop.root()).eos_token == 3);
  CHECK(with(R"("eos_token_id":-1)").eos_token == std::nullopt);
}

TEST_CASE("sizes that are invalid, too large or inconsistent are errors") {
  for (const std::string field :
       {"hidden_size", "intermediate_size", "vocab_size", "max_position_embeddings", "num_attention_heads"}) {
    for (const std::string value : {"0", "-1", "16777217", "9223372036854775807"}) {
      CHECK(complaint("\"" + field + "\":" + value) ==
            "config.json: field " + field + ": expected an integer from 1 to 16777216, found " + value);
    }
    CHECK(complaint("\"" + field + "\":1.5") == "config.json: field " + field + ": expected an integer, found 1.5");
    CHECK(complaint("\"" + field + "\":null") == "config.json: missing field " + field);
  }
  CHECK(complaint(R"("num_hidden_layers":1025)") ==
        "config.json: field num_hidden_layers: expected an integer from 1 to 1024, found 1025");
  CHECK(complaint(R"("num_key_value_heads":3)") ==
        "config.json: field num_key_value_heads: expected a divisor of num_attention_heads 4, found 3");
  CHECK(complaint(R"("num_attention_heads":5)") ==
        "config.json: field num_attention_heads: expected a divisor of hidden_size 48, found 5");
  CHECK(complaint(R"("head_dim":13)") ==
        "config.json: field head_dim: expected heads of an even size, together at most 16777216, found 13");
  CHECK(complaint(R"("head_dim":4194306)") ==
        "config.json: field head_dim: expected heads of an even size, together at most 16777216, found 4194306");
  CHECK(complaint(R"("rms_norm_eps":-1)") ==
        "config.json: field rms_norm_eps: expected a number from 0 to 1, found -1");
  CHECK(complaint(R"("tie_word_embeddings":1)") ==
        "config.json: field tie_word_embeddings: expected a boolean, found 1");
  CHECK(complaint(R"("eos_token_id":[1,-2])") == "config.json: field eos_token_id[1]: expected a token id, found -2");
  CHECK(complaint(R"("eos_token_id":2147483648)") ==
        "config.json: field eos_token_id: expected a token id, found 2147483648");
}

TEST_CASE("the stop tokens of the generation configuration replace those of the model") {
  const TempDir dir;
  const std::string config = "{\"eos_token_id\":5," + kSizes + "}";
  CHECK(error_of([&] { ModelConfig::load(dir.path()); }).starts_with(dir.path() + "/config.json: cannot open"));
  dir.write("config.json", config);
  CHECK(ModelConfig::load(dir.path()).stop_tokens == std::vector<Token>{5});
  dir.write("generation_config.json", "{}");
  CHECK(ModelConfig::load(dir.path()).stop_tokens == std::vector<Token>{5});
  dir.write("generation_config.json", R"({"eos_token_id":6})");
  CHECK(ModelConfig::load(dir.path()).stop_tokens == std::vector<Token>{6});
  dir.write("generation_config.json", R"({"eos_token_id":[8,6]})");
  CHECK(ModelConfig::load(dir.path()).stop_tokens == std::vector<Token>{8, 6});
  dir.write("generation_config.json", "[]");
  CHECK(error_of([&] { ModelConfig::load(dir.path()); }) ==
        dir.path() + "/generation_config.json: expected an object, found []");
}

/// Whether the configuration of a model directory equals its files, read as Python reads them. Missing fields have
/// transformers' defaults.
bool equals_files(const std::string& dir, const kvx::JsonTree& file) {
  const ModelConfig config = ModelConfig::load(dir);
  const auto number = [&](const char* name, double default_value) {
    const kvx::JsonTree* value = file.find(name);
    return value != nullptr && value->number() != nullptr ? value->number()->value() : default_value;
  };
  const auto same = [&](const char* name, kvx::Index value, double default_value) {
    return static_cast<double>(value) == number(name, default_value);
  };
  const double heads = number("num_attention_heads", 0);
  const kvx::JsonTree* const tied = file.find("tie_word_embeddings");
  return same("hidden_size", config.hidden_size, 0) && same("intermediate_size", config.intermediate_size, 0) &&
         same("num_hidden_layers", config.layers, 0) && same("num_attention_heads", config.heads, 0) &&
         same("num_key_value_heads", config.kv_heads, heads) &&
         same("head_dim", config.head_dim, number("hidden_size", 0) / heads) &&
         same("vocab_size", config.vocab_size, 0) && same("max_position_embeddings", config.max_positions, 0) &&
         config.tie_word_embeddings == (tied != nullptr && tied->boolean() != nullptr && *tied->boolean()) &&
         config.rms_norm_eps == number("rms_norm_eps", 1e-6) &&
         (file.find("rope_parameters") != nullptr || config.rope.theta == number("rope_theta", 1e4));
}

TEST_CASE("the configurations of the reference models are read correctly") {
  kvx_test::Tally tally{"model config", 0, 0, 0, "models of other architectures"};
  const ModelConfig tiny = ModelConfig::load(kvx_test::kTinyModel);
  CHECK(tally.count(tiny.layers == 4 && tiny.head_dim == 32 && tiny.stop_tokens == std::vector<Token>{1023, 1021}));
  for (const std::string& root : {std::string(KVX_SOURCE_DIR "/examples/models"), kvx_test::environment("KVX_MODELS"),
                                  kvx_test::environment("KVX_SHARED") + "/golden"}) {
    std::error_code code;
    for (std::filesystem::directory_iterator it(root, code), end; it != end; it.increment(code)) {
      const std::string path = it->path().string() + "/config.json";
      if (!std::filesystem::exists(path)) continue;
      const auto file = kvx::parse_json(kvx::read_text_file(path));
      const kvx::JsonTree* const type = file ? file->find("model_type") : nullptr;
      if (type == nullptr || type->string() == nullptr || *type->string() != "qwen2") {
        ++tally.not_applicable;
        continue;
      }
      CHECK_MESSAGE(tally.count(equals_files(it->path().string(), *file)), path);
    }
  }
}
