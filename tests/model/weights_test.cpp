// The forms of a checkpoint, each made from the same random model, and files with wrong contents.
#include "support/error_of.hpp"
#include "support/tiny_architectures.hpp"
#include "support/tiny_random.hpp"

#include <doctest/doctest.h>
#include <kvx/model/compress.hpp>
#include <kvx/model/forward.hpp>
#include <kvx/model/likelihood.hpp>
#include <kvx/model/prefill.hpp>
#include <kvx/press/none.hpp>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

namespace {

using namespace kvx;
using kvx_test::RawTensor;
using kvx_test::RawTensors;

/// The logits after a fixed prompt.
Matrix<float> logits_of(const std::string& dir, Dtype dtype) {
  Threads threads(2);
  const Decoder model = Decoder::load(dir, parse_weight_format(name_of(dtype)), threads);
  return compress(model, kvx_test::random_tokens(40, 1), AnyPolicy(None()), Allowance::of_ratio(0), dtype, threads)
      .logits;
}

struct Checkpoint {
  TempDir dir;
  RawTensors raw = kvx_test::raw_tensors(kvx_test::kTinyRandom);
  Matrix<float> expected = logits_of(kvx_test::kTinyRandom, Dtype::f32);

  void write(const std::string& config = kvx_test::config_with("", "")) {
    dir.write("config.json", config);
    dir.write("model.safetensors", kvx_test::file_of(raw));
  }
  std::string refused() {
    return error_of([&] { (void)logits_of(dir.path(), Dtype::f32); });
  }
};

TEST_CASE_FIXTURE(Checkpoint, "a separate output matrix is used, even if config.json ties it") {
  raw["lm_head.weight"] = raw["model.embed_tokens.weight"];
  for (std::size_t i = 3; i < raw["lm_head.weight"].bytes.size(); i += 4) raw["lm_head.weight"].bytes[i] ^= char(0x80);
  write(kvx_test::config_with("\"tie_word_embeddings\": true", "\"tie_word_embeddings\": false"));
  CHECK(logits_of(dir.path(), Dtype::f32) == -expected);
  write();
  CHECK(logits_of(dir.path(), Dtype::f32) == -expected);
}

TEST_CASE_FIXTURE(Checkpoint, "a model may be split into several files") {
  RawTensors first, second;
  std::string map;
  for (const auto& [name, tensor] : raw) {
    const bool in_first = map.size() < 600;
    (in_first ? first : second)[name] = tensor;
    map += (map.empty() ? "\"" : ",\"") + name + "\":\"" + (in_first ? "a" : "b") + ".safetensors\"";
  }
  REQUIRE(!second.empty());
  dir.write("config.json", kvx_test::config_with("", ""));
  dir.write("a.safetensors", kvx_test::file_of(first));
  dir.write("b.safetensors", kvx_test::file_of(second));
  dir.write("model.safetensors.index.json", "{\"weight_map\":{" + map + "}}");
  CHECK(logits_of(dir.path(), Dtype::f32) == expected);
}

TEST_CASE_FIXTURE(Checkpoint, "F16 and BF16 files, and bf16 in memory, equal a model with rounded weights") {
  const RawTensors exact = raw;
  const auto logits_after = [&](const auto& change, Dtype in_memory) {
    raw = exact;
    for (auto& [name, tensor] : raw) change(tensor);
    write();
    return logits_of(dir.path(), in_memory);
  };
  const auto f16_file = [](RawTensor& tensor) { kvx_test::convert<F16>(tensor, "F16"); };
  const auto bf16_file = [](RawTensor& tensor) { kvx_test::convert<BF16>(tensor, "BF16"); };
  const auto round_to_f16 = [](RawTensor& tensor) { kvx_test::round_to<F16>(tensor); };
  const auto round_to_bf16 = [](RawTensor& tensor) { kvx_test::round_to<BF16>(tensor); };
  const auto f16 = logits_after(f16_file, Dtype::f32), bf16 = logits_after(bf16_file, Dtype::f32);
  CHECK(f16 != expected);
  CHECK(bf16 != f16);
  CHECK(logits_after(round_to_f16, Dtype::f32) == f16);
  CHECK(logits_after(round_to_bf16, Dtype::f32) == bf16);

  const auto in_memory = logits_after(bf16_file, Dtype::bf16);
  CHECK(logits_after(round_to_bf16, Dtype::bf16) == in_memory);
  // A bf16 weight is widened to float before it is multiplied, unless the path rounds the rows.
  if (!rounds_rows(isa())) CHECK(in_memory == bf16);
}

TEST_CASE_FIXTURE(Checkpoint, "a tensor that is missing, of wrong shape or of integers is an error that names it") {
  const std::string name = "model.layers.2.mlp.up_proj.weight";
  const RawTensors good = raw;
  raw.erase(name);
  write();
  CHECK(refused() == dir.path() + "/model.safetensors: missing tensor " + name);
  raw = good;
  raw[name].shape = {64, 128};
  write();
  CHECK(refused() ==
        dir.path() + "/model.safetensors: tensor " + name + ": shape: expected [128, 64], found [64, 128]");
  raw = good;
  raw[name].dtype = "I32";
  write();
  CHECK(refused().find("dtype: expected F32, F16 or BF16, found I32") != std::string::npos);
}

/// Sets one element of an F32 tensor.
void set(RawTensor& tensor, std::size_t place, float value) {
  std::memcpy(tensor.bytes.data() + place * sizeof value, &value, sizeof value);
}
/// Sets all elements of an F32 tensor.
void fill(RawTensor& tensor, float value) {
  for (std::size_t place = 0; place * sizeof value < tensor.bytes.size(); ++place) set(tensor, place, value);
}

TEST_CASE_FIXTURE(Checkpoint, "a weight that is not finite is an error that names its tensor and index") {
  const RawTensors good = raw;
  const auto complaint = [&](const std::string& name) {
    write();
    std::string error = refused();
    const std::string where = dir.path() + "/model.safetensors: tensor " + name + ": ";
    CHECK(error.starts_with(where));
    return error.substr(std::min(where.size(), error.size()));
  };
  for (const std::string name :
       {"model.embed_tokens.weight", "model.layers.0.self_attn.k_proj.weight", "model.layers.3.mlp.up_proj.weight"}) {
    raw = good;
    set(raw[name], 5 * 64 + 7, std::numeric_limits<float>::infinity());
    CHECK(complaint(name) == "row 5, column 7: expected a finite f32 weight, found inf");
  }
  for (const std::string name : {"model.norm.weight", "model.layers.1.self_attn.v_proj.bias"}) {
    raw = good;
    set(raw[name], 9, std::numeric_limits<float>::quiet_NaN());
    CHECK(complaint(name).starts_with("element 9: expected a finite number, found "));
  }
}

TEST_CASE("the bias of a KV head is the part of cached keys that does not depend on tokens, with YaRN's factor") {
  const kvx_test::TinyArchitecture tiny("qwen2");
  const TempDir dir;
  RawTensors raw = kvx_test::raw_tensors(tiny.path());
  for (auto& [name, tensor] : raw)
    if (name.ends_with("k_proj.weight")) fill(tensor, 0);
  dir.write("config.json", kvx_test::tiny_config("qwen2"));
  dir.write("model.safetensors", kvx_test::file_of(raw));
  Threads threads(2);
  const Decoder model = Decoder::load(dir.path(), WeightFormat::f32, threads);
  REQUIRE(model.rope(0).factor > 1.1f);
  float worst = 0;
  prefill(model, kvx_test::random_tokens(20, 1, 128), {}, Dtype::f32, threads,
          [&](const PressInput& in, const LayerCache& rows) {
            for (Index h = 0; h < in.kv_heads(); ++h) {
              const HeadCache& head = rows[static_cast<std::size_t>(h)];
              Matrix<float> rotated = Matrix<float>::Zero(head.rows(), head.head_dim());
              add_key_bias(model.key_bias(in.layer, h), head.positions(), 1, rotated.data());
              REQUIRE(rotated.cwiseAbs().maxCoeff() > 0.1f);
              worst = std::max(worst, (rotated - head.keys<float>()).cwiseAbs().maxCoeff());
            }
          });
  CHECK(worst < 1e-5f);
}

TEST_CASE_FIXTURE(Checkpoint, "an overflow in a layer is an error that names layer, sequence and position") {
  // Attention of layer 0 adds 3e38 to channel 7 of every token, where token 300 already has 3e38.
  const std::string attention = "model.layers.0.self_attn.";
  raw["lm_head.weight"] = raw["model.embed_tokens.weight"];
  fill(raw[attention + "v_proj.weight"], 0);
  fill(raw[attention + "v_proj.bias"], 1);
  fill(raw[attention + "o_proj.weight"], 0);
  for (std::size_t k = 0; k < 64; ++k) set(raw[attention + "o_proj.weight"], 7 * 64 + k, 3e38f / 64);
  set(raw["model.embed_tokens.weight"], 300 * 64 + 7, 3e38f);
  write(kvx_test::config_with("\"tie_word_embeddings\": true", "\"tie_word_embeddings\": false"));
  Threads threads(2);
  const Decoder model = Decoder::load(dir.path(), WeightFormat::f32, threads);
  const std::vector<Token> good = {1, 2, 3, 4, 5}, bad = {1, 2, 300, 4};
  const auto compressed = [&](const std::vector<Token>& tokens) {
    return compress(model, tokens, AnyPolicy(None()), Allowance::of_ratio(0), Dtype::f32, threads).start;
  };
  const std::string where = dir.path() + ": hidden states after layer 0, ", found = ": expected finite numbers, found ";
  CHECK(error_of([&] { (void)compressed(bad); }).starts_with(where + "position 2" + found));
  std::vector<SequenceCache> sequences(3, compressed(good));
  const std::vector<Step> steps = {{&sequences[0], good}, {&sequences[1], bad}, {&sequences[2], good}};
  CHECK(error_of([&] {
          (void)forward(model, steps, threads);
        }).starts_with(where + "sequence 1 of the batch, position 7" + found));
  const Step single{&sequences[0], bad};
  CHECK(error_of([&] { (void)forward(model, {&single, 1}, threads); }).starts_with(where + "position 7" + found));
}

TEST_CASE_FIXTURE(Checkpoint, "logits that overflow are an error in answers and in likelihoods") {
  raw["lm_head.weight"] = raw["model.embed_tokens.weight"];
  write(kvx_test::config_with("\"tie_word_embeddings\": true", "\"tie_word_embeddings\": false"));
  Threads threads(2);
  const std::vector<Token> tokens = {1, 2, 3, 4, 5};
  const auto start = [&](const Decoder& model) {
    return compress(model, tokens, AnyPolicy(None()), Allowance::of_ratio(0), Dtype::f32, threads).start;
  };
  SequenceCache sequence = start(Decoder::load(dir.path(), WeightFormat::f32, threads));
  fill(raw["lm_head.weight"], 3e38f);
  write(kvx_test::config_with("\"tie_word_embeddings\": true", "\"tie_word_embeddings\": false"));
  const Decoder model = Decoder::load(dir.path(), WeightFormat::f32, threads);
  const std::string where = dir.path() + ": logits after layer 3, ";
  CHECK(error_of([&] { (void)start(model); }).starts_with(where + "position 4: expected finite numbers, found "));
  std::vector<SequenceCache> two(2, sequence);
  const std::vector<Step> steps = {{&two[0], tokens}, {&two[1], tokens}};
  CHECK(error_of([&] {
          (void)forward(model, steps, threads);
        }).starts_with(where + "sequence 0 of the batch, position 9: expected finite numbers, found "));
  two.assign(2, sequence);
  CHECK(error_of([&] {
          (void)suffix_likelihood(model, two, tokens, threads);
        }).starts_with(where + "sequence 0 of the batch, position 5: expected finite numbers, found "));
}

TEST_CASE_FIXTURE(Checkpoint, "a configuration with wrong sizes is refused before memory is allocated for them") {
  write(kvx_test::config_with("\"vocab_size\": 512", "\"vocab_size\": 16777216"));
  CHECK(refused().find("shape: expected [16777216, 64], found [512, 64]") != std::string::npos);
}

}  // namespace
