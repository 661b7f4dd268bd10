#include <kvx/eval/speed/speed.hpp>
#include <kvx/io/safetensors.hpp>

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "support/error_of.hpp"
#include "support/tiny_architectures.hpp"
#include "support/tiny_random.hpp"

using namespace kvx;
using namespace kvx_test;

TEST_CASE("speed tests: every prompt, then every depth with every number of steps and batch size") {
  const SpeedOptions options{.prompts = {8, 0, 4}, .new_tokens = {2, 0}, .depths = {0, 7}, .batches = {1, 3}};
  std::vector<std::string> names;
  for (const SpeedTest& test : speed_tests(options, ModelConfig::load(kTinyRandom), WeightFormat::f32, Dtype::f32))
    names.push_back(test.name());
  CHECK(names == std::vector<std::string>{"pp8", "pp4", "tg2", "tg2 x b3", "tg2 @ d7", "tg2 @ d7 x b3"});
}

TEST_CASE("a speed test with more positions than the model has is an error that names the test") {
  auto config = ModelConfig::load(kTinyRandom);
  config.max_positions = 10;
  const auto tests = [&](Index prompt, Index depth) {
    return speed_tests({.prompts = {prompt}, .new_tokens = {4}, .depths = {depth}, .batches = {1}}, config,
                       WeightFormat::f32, Dtype::f32);
  };
  CHECK(tests(10, 6).size() == 2);
  CHECK(error_of([&] { tests(11, 6); }) ==
        "pp11: expected at most 10 positions (config.json: max_position_embeddings), found 11");
  CHECK(error_of([&] { tests(10, 7); }) ==
        "tg4 @ d7: expected at most 10 positions (config.json: max_position_embeddings), found 11");
}

TEST_CASE("parameters and weight bytes are what the model's file holds") {
  const auto config = ModelConfig::load(kTinyRandom);
  Index all = 0, layers = 0;
  for (const auto& [name, tensor] : Safetensors::open_model(kTinyRandom)) {
    Index size = 1;
    for (const Index side : tensor.shape) size *= side;
    all += size;
    if (tensor.shape.size() == 2 && name.find("layers.") != name.npos) layers += size;
  }
  CHECK(config.parameters() == all);

  const Index output = config.vocab_size * config.hidden_size;
  const SpeedOptions options{.prompts = {5}, .new_tokens = {4}, .depths = {0}, .batches = {1, 2}};
  const auto tests = speed_tests(options, config, WeightFormat::bf16, Dtype::bf16);
  CHECK(tests[0].flops_per_token * 5 == static_cast<double>(2 * (5 * layers + output)));
  CHECK(tests[0].bytes_per_token == 0);
  CHECK(tests[1].flops_per_token == static_cast<double>(2 * (layers + output)));
  const Index rows = 1 + 2 + 3 + 4;  // read in four steps, each with keys and values in every layer
  CHECK(
      tests[1].bytes_per_token * 4 ==
      static_cast<double>(2 * (4 * (layers + output) + 2 * rows * config.layers * config.kv_heads * config.head_dim)));
  CHECK(tests[2].flops_per_token == tests[1].flops_per_token);
  CHECK(tests[2].bytes_per_token == 0);
}

TEST_CASE("a token attends to the rows before it and to its own") {
  const auto config = ModelConfig::load(kTinyRandom);
  const SpeedOptions options{.prompts = {5}, .new_tokens = {4}, .depths = {10}, .batches = {3}};
  const auto tests = speed_tests(options, config, WeightFormat::bf16, Dtype::bf16);
  const Index row = 4 * config.layers * config.heads * config.head_dim;  // 2 operations with a key, 2 with a value
  CHECK(tests[0].attention_flops_per_token * 5 == static_cast<double>((1 + 2 + 3 + 4 + 5) * row));
  CHECK(tests[1].attention_flops_per_token * 4 == static_cast<double>((11 + 12 + 13 + 14) * row));
}

TEST_CASE("in a layer with a window, a token attends to no more rows than the window has") {
  const auto document = JsonDocument::parse(kvx_test::tiny_config("gemma3_text"), "config.json");
  const auto config = ModelConfig::parse(document.root());
  REQUIRE(config.windows() == 2);
  REQUIRE(config.sliding_window == 20);
  const SpeedOptions options{.prompts = {30}, .new_tokens = {4}, .depths = {18, 40}, .batches = {1}};
  const auto tests = speed_tests(options, config, WeightFormat::bf16, Dtype::bf16);
  const auto flops = [&](Index full_rows, Index window_rows) {
    return doctest::Approx(static_cast<double>((2 * full_rows + 2 * window_rows) * 4 * config.layer().queries()));
  };
  CHECK(tests[0].attention_flops_per_token * 30 == flops(30 * 31 / 2, 20 * 21 / 2 + 10 * 20));
  CHECK(tests[1].attention_flops_per_token * 4 == flops(19 + 20 + 21 + 22, 19 + 3 * 20));
  CHECK(tests[2].attention_flops_per_token * 4 == flops(41 + 42 + 43 + 44, 4 * 20));
}

TEST_CASE("one sequence is compared with the read bandwidth, everything else with the peak of its path") {
  SpeedReport report;
  report.limits.read = {1000, 900};
  report.limits.peaks = {{Isa::portable, {1, 1}}, {Isa::avx2, {2, 1}}, {Isa::avx512, {4, 3}}};
  const auto share = [&](const SpeedTest& test) { return report.share_of_limit(test); };
  CHECK(share({.path = Isa::avx2, .tokens_per_second = 5, .flops_per_token = 7, .bytes_per_token = 100}) == 0.5);
  CHECK(share({.path = Isa::avx2, .tokens_per_second = 5, .flops_per_token = 3e8}) == 0.75);
  CHECK(share({.path = Isa::avx2, .tokens_per_second = 5, .flops_per_token = 2e8, .attention_flops_per_token = 1e8}) ==
        0.75);
}
