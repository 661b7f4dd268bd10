#include <kvx/model/config.hpp>

#include <doctest/doctest.h>

#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "support/error_of.hpp"
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

/// A small good configuration with more fields; they come first, so they count before the same fields of kSizes.
ModelConfig with(const std::string& fields) { return parse("{" + fields + "," + kSizes + "}"); }
std::string complaint(const std::string& fields) {
  return error_of([&] { with(fields); });
}

}  // namespace

TEST_CASE("fields that may be missing have transformers' defaults") {
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
  CHECK(config.rope_theta == 10000);
  CHECK_FALSE(config.tie_word_embeddings);
  CHECK(config.stop_tokens.empty());
}

TEST_CASE("fields that are there count") {
  const ModelConfig config = with(
      R"("num_key_value_heads":2,"head_dim":16,"rms_norm_eps":1e-5,"rope_theta":1000000,"tie_word_embeddings":true,)"
      R"("eos_token_id":[7,9],"rope_scaling":null,"attention_bias":true,"mlp_bias":false,"hidden_act":"silu")");
  CHECK(config.kv_heads == 2);
  CHECK(config.head_dim == 16);
  CHECK(config.rms_norm_eps == 1e-5);
  CHECK(config.rope_theta == 1e6);
  CHECK(config.tie_word_embeddings);
  CHECK(config.stop_tokens == std::vector<Token>{7, 9});
}

TEST_CASE("the plain rotation is read in both spellings and any other is refused") {
  CHECK(with(R"("rope_parameters":{"rope_type":"default","rope_theta":5e5})").rope_theta == 5e5);
  CHECK(with(R"("rope_theta":2e5,"rope_parameters":{"rope_type":"default"})").rope_theta == 2e5);
  CHECK(with(R"("rope_theta":2e5,"rope_scaling":{"type":"default"})").rope_theta == 2e5);
  CHECK(complaint(R"("rope_scaling":{"factor":4.0,"type":"yarn"})") ==
        "config.json: field rope_scaling.type: expected \"default\", found \"yarn\"");
  CHECK(complaint(R"("rope_parameters":{"rope_type":"linear","factor":2})") ==
        "config.json: field rope_parameters.rope_type: expected \"default\", found \"linear\"");
  CHECK(complaint(R"("rope_parameters":{"full_attention":{"rope_theta":1}})") ==
        "config.json: field rope_parameters.full_attention: expected only rope_type and rope_theta here, found "
        "{\"rope_theta\":1}");
  CHECK(complaint(R"("rope_scaling":4)") == "config.json: field rope_scaling: expected an object, found 4");
  CHECK(complaint(R"("rope_theta":0)") == "config.json: field rope_theta: expected a number from 1 to 1e18, found 0");
}

TEST_CASE("what the forward pass does not do is refused") {
  CHECK(error_of([] { parse("{}"); }) == "config.json: missing field model_type");
  CHECK(error_of([] { parse("[]"); }) == "config.json: expected an object, found []");
  CHECK(complaint(R"("model_type":"llama")") == "config.json: field model_type: expected \"qwen2\", found \"llama\"");
  CHECK(complaint(R"("hidden_act":"gelu")") == "config.json: field hidden_act: expected \"silu\", found \"gelu\"");
  CHECK(complaint(R"("attention_bias":false)") == "config.json: field attention_bias: expected true, found false");
  CHECK(complaint(R"("mlp_bias":true)") == "config.json: field mlp_bias: expected false, found true");
  CHECK(complaint(R"("is_causal":false)") == "config.json: field is_causal: expected true, found false");
  CHECK(complaint(R"("quantization_config":{"bits":4})") ==
        "config.json: field quantization_config: expected null, found {\"bits\":4}");
}

TEST_CASE("a sliding window is refused where it would cut the context") {
  CHECK(complaint(R"("use_sliding_window":false,"sliding_window":64,"max_window_layers":0)") == "");
  CHECK(complaint(R"("use_sliding_window":true,"sliding_window":64,"max_window_layers":3)") == "");
  CHECK(complaint(R"("use_sliding_window":true,"sliding_window":64)") == "");    // max_window_layers is 28
  CHECK(complaint(R"("use_sliding_window":true,"max_window_layers":0)") == "");  // sliding_window is 4096
  CHECK(complaint(R"("use_sliding_window":true,"sliding_window":4095,"max_window_layers":2)") ==
        "config.json: field use_sliding_window: expected no window of 4095 tokens from layer 2 on, found true");
  CHECK(complaint(R"("layer_types":["full_attention","full_attention","full_attention"])") == "");
  CHECK(complaint(R"("layer_types":["full_attention","sliding_attention","full_attention"])") ==
        "config.json: field layer_types[1]: expected \"full_attention\", found \"sliding_attention\"");
  CHECK(complaint(R"("layer_types":["full_attention"])") ==
        "config.json: field layer_types: expected 3 entries, one a layer, found [\"full_attention\"]");
}

TEST_CASE("sizes that are wrong, too large or do not fit together are errors") {
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
  CHECK(complaint(R"("eos_token_id":[1,-1])") == "config.json: field eos_token_id[1]: expected a token id, found -1");
  CHECK(complaint(R"("eos_token_id":2147483648)") ==
        "config.json: field eos_token_id: expected a token id, found 2147483648");
}

TEST_CASE("the generation configuration's stop tokens win over the model's") {
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

TEST_CASE("the reference models' configurations are read") {
  int cases = 0, failed = 0, skipped = 0;
  const auto check = [&](const char* root, const std::string& dir, std::vector<kvx::Index> sizes, double theta,
                         const std::vector<Token>& stop) {
    if (root == nullptr) {
      ++skipped;
      return;
    }
    const ModelConfig c = ModelConfig::load(root + dir);
    const std::vector<kvx::Index> found{c.hidden_size, c.intermediate_size, c.layers,     c.heads,
                                        c.kv_heads,    c.head_dim,          c.vocab_size, c.max_positions};
    const bool good = found == sizes && c.rope_theta == theta && c.tie_word_embeddings && c.stop_tokens == stop;
    CHECK_MESSAGE(good, dir);
    ++cases;
    failed += !good;
  };
  const char *shared = std::getenv("KVX_SHARED"), *models = std::getenv("KVX_MODELS");
  check(KVX_SOURCE_DIR, "/examples/models/tiny", {128, 384, 4, 4, 2, 32, 1024, 4096}, 1e4, {1023, 1021});
  check(shared, "/golden/tiny-random", {64, 128, 4, 4, 2, 16, 512, 4096}, 1e6, {});
  check(models, "/qwen-coder-0.5b", {896, 4864, 24, 14, 2, 64, 151936, 32768}, 1e6, {151645, 151643});
  check(models, "/smollm2-135m", {576, 1536, 30, 9, 3, 64, 49152, 8192}, 1e5, {2, 0});
  std::cout << "model config: " << cases << " cases, " << failed << " failed, " << skipped
            << " not applicable (KVX_SHARED or KVX_MODELS unset)\n";
}
