// The forms that a checkpoint comes in, each made of the same random model, and files that lie.
#include "support/error_of.hpp"
#include "support/tiny_random.hpp"

#include <doctest/doctest.h>
#include <kvx/model/compress.hpp>
#include <kvx/press/none.hpp>

#include <string>

namespace {

using namespace kvx;
using kvx_test::RawTensors;

/// The logits after a fixed prompt.
Matrix<float> logits_of(const std::string& dir, Dtype dtype) {
  Threads threads(2);
  const Qwen2 model = Qwen2::load(dir, parse_weight_format(name_of(dtype)), threads);
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

TEST_CASE_FIXTURE(Checkpoint, "a separate output matrix is used, and a tied model ignores one") {
  raw["lm_head.weight"] = raw["model.embed_tokens.weight"];
  for (std::size_t i = 3; i < raw["lm_head.weight"].bytes.size(); i += 4) raw["lm_head.weight"].bytes[i] ^= char(0x80);
  write(kvx_test::config_with("\"tie_word_embeddings\": true", "\"tie_word_embeddings\": false"));
  CHECK(logits_of(dir.path(), Dtype::f32) == -expected);
  write();
  CHECK(logits_of(dir.path(), Dtype::f32) == expected);
}

TEST_CASE_FIXTURE(Checkpoint, "shards are one model") {
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

TEST_CASE_FIXTURE(Checkpoint, "F16 and BF16 files are the model of their rounded weights, in memory too") {
  using kvx_test::RawTensor;
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
  // A product of a bf16 weight and a float is summed as that of the widened weight, unless the path rounds the rows.
  if (!rounds_rows(isa())) CHECK(in_memory == bf16);
}

TEST_CASE_FIXTURE(Checkpoint, "a missing, misshapen or integer tensor is an error that names it") {
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

TEST_CASE_FIXTURE(Checkpoint, "a configuration that lies about sizes is refused before memory is taken for it") {
  write(kvx_test::config_with("\"vocab_size\": 512", "\"vocab_size\": 16777216"));
  CHECK(refused().find("shape: expected [16777216, 64], found [512, 64]") != std::string::npos);
}

}  // namespace
