// Model directories as users have them. Each is the tiny model's with one change. The expected results were found by
// transformers 5.2, tokenizers 0.22 and torch on the same directories.
#include "support/error_of.hpp"
#include "support/model_dir.hpp"
#include "support/model_dir_runs.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace kvx;
using namespace kvx_test;

const std::string kEmbedding = "model.embed_tokens.weight", kDown = "model.layers.2.mlp.down_proj.weight";

/// Sets an element of a BF16 or F16 tensor.
void set_bits(RawTensor& tensor, std::size_t element, std::uint16_t bits) {
  std::memcpy(tensor.bytes.data() + 2 * element, &bits, sizeof bits);
}
/// Reverses the order of the rows of a [rows, columns] tensor of 16 bits.
void reverse_rows(RawTensor& tensor) {
  const auto bytes = static_cast<std::size_t>(tensor.shape[1]) * 2;
  std::string reversed;
  for (std::size_t end = tensor.bytes.size(); end > 0; end -= bytes)
    reversed += tensor.bytes.substr(end - bytes, bytes);
  tensor.bytes = reversed;
}
void add_output(RawTensors& raw) {
  raw["lm_head.weight"] = raw[kEmbedding];
  reverse_rows(raw["lm_head.weight"]);
}
/// Replaces the projections by tensors as GPTQ stores them, with four bits per weight.
void as_gptq(RawTensors& raw) {
  const RawTensors plain = raw;
  for (const auto& [name, tensor] : plain) {
    const std::size_t at = name.rfind("proj.weight");
    if (at == name.npos) continue;
    const std::string stem = name.substr(0, at) + "proj.";
    const auto ints = [](Index rows, Index columns) {
      return RawTensor{"I32", {rows, columns}, std::string(static_cast<std::size_t>(rows * columns * 4), '\0')};
    };
    raw[stem + "qweight"] = ints(tensor.shape[1] / 8, tensor.shape[0]);
    raw[stem + "qzeros"] = ints(1, tensor.shape[0] / 8);
    raw.erase(name);
  }
}
/// Splits the weights into two files with an index.
void in_shards(const ModelDir& dir) {
  RawTensors parts[2];
  std::string map;
  for (const auto& [name, tensor] : raw_tensors(kTinyModel)) {
    const std::size_t part = parts[0].size() < 20 ? 0 : 1;
    parts[part][name] = tensor;
    map += (map.empty() ? "\"" : ",\"") + name + "\":\"./part-" + std::to_string(part) + ".safetensors\"";
  }
  for (const std::size_t part : {0u, 1u})
    dir.write("part-" + std::to_string(part) + ".safetensors", file_of(parts[part]));
  dir.write("model.safetensors.index.json", "{\"metadata\":{\"total_size\":1},\"weight_map\":{" + map + "}}");
  dir.remove("model.safetensors");
}

const std::string kPointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0000\nsize 1844632\n";
const std::string kPull = "found a Git LFS pointer; `git lfs pull` fetches the file itself";

struct SameModel {
  const char* name;
  DirChange make;
};

}  // namespace

TEST_CASE("Directories of the same model give the same logits, and no notes") {
  Tally tally{"model directories (same model)"};
  const auto expected = logits_of(kTinyModel);
  const std::vector<std::pair<Index, double>> reference = {{0, 3.59605}, {1, 3.58121}, {2, 3.60359}, {3, 3.58432}};
  for (const auto& [token, logit] : reference)  // transformers' in f32
    CHECK(tally.count(std::abs(static_cast<double>(expected(0, token)) - logit) < 1e-4));
  const std::vector<SameModel> directories = {
      {"nothing changed", [](const ModelDir&) {}},
      {"tied, with an output matrix", with_tensors([](RawTensors& raw) { raw["lm_head.weight"] = raw[kEmbedding]; })},
      {"tied, with an output matrix and no embedding", with_tensors([](RawTensors& raw) {
         raw["lm_head.weight"] = raw[kEmbedding];
         raw.erase(kEmbedding);
       })},
      {"names without model.", with_tensors([](RawTensors& raw) {
         RawTensors bare;
         for (auto& [name, tensor] : raw) bare[name.substr(std::string("model.").size())] = tensor;
         raw = bare;
       })},
      {"shards in ./", in_shards},
      {"attention_bias", with_members("config.json", R"("attention_bias":false)")},
      {"rope scaled by 1", with_members("config.json", R"("rope_scaling":{"type":"linear","factor":1.0})")},
      {"all channels rotate",
       with_members("config.json", R"("rope_theta":null,"rope_parameters":{"rope_type":"default",)"
                                   R"("rope_theta":10000.0,"partial_rotary_factor":1.0})")},
      {"windows as long as the model",
       with_members("config.json", R"("use_sliding_window":true,"sliding_window":4096,"layer_types":["full_attention",)"
                                   R"("sliding_attention","sliding_attention","sliding_attention"])")},
      {"a name that occurs twice", with_members("config.json", R"("rope_theta":1000000.0,"rope_theta":10000.0)")},
      {"Infinity",
       with_members("config.json", R"("x":Infinity,"y":[-Infinity,NaN,1e999,123456789012345678901234567890])")},
      {"NaN", with_file("generation_config.json", R"({"eos_token_id":[1023,1021],"temperature":NaN})")},
      {"a size with a point", with_members("config.json", R"("max_position_embeddings":4096.0)")},
      {"1e30 as an integer",
       with_members("tokenizer_config.json", R"("model_max_length":1000000000000000019884624838656)")},
      {"empty normalizers", with_members("tokenizer.json", R"("normalizer":{"type":"Sequence","normalizers":[]})")},
  };
  const auto perplexity = context_of(prepared_model(kTinyModel, "perplexity")),
             chat = context_of(prepared_model(kTinyModel, "tool_call"));
  for (const SameModel& directory : directories) {
    const ModelDir dir;
    directory.make(dir);
    CAPTURE(directory.name);
    const std::string error = error_of([&] {
      CHECK(tally.count(logits_of(dir.path()) == expected));
      const PreparedModel text = prepared_model(dir.path(), "perplexity"),
                          calls = prepared_model(dir.path(), "tool_call");
      CHECK(tally.count(context_of(text) == perplexity && context_of(calls) == chat && text.notes.empty()));
      CHECK(text.config.stop_tokens == std::vector<Token>{1023, 1021});
    });
    CHECK(tally.count(error == ""));
  }
}

TEST_CASE("The last of two equal names counts, and a separate output matrix is used, with a note") {
  Tally tally{"model directories (other numbers)"};
  const ModelDir twice, other, untied, plain;
  twice.put("config.json", R"("rope_theta":1000000.0)");
  const auto logits = logits_of(twice.path());
  const std::vector<std::pair<Index, double>> reference = {{0, 3.70004}, {1, 3.68614}, {2, 3.7105}, {3, 3.68938}};
  for (const auto& [token, logit] : reference)
    CHECK(tally.count(std::abs(static_cast<double>(logits(0, token)) - logit) < 1e-4));

  other.weights(add_output);
  untied.weights(add_output);
  untied.put("config.json", R"("tie_word_embeddings":false)");
  CHECK(tally.count(logits_of(other.path()) == logits_of(untied.path())));
  CHECK(tally.count(logits_of(other.path()) != logits_of(plain.path())));
  Threads threads(1);
  const auto note = [&](const ModelDir& dir) { return Decoder::load(dir.path(), WeightFormat::bf16, threads).note(); };
  CHECK(tally.count(
      note(other).starts_with("lm_head.weight differs from model.embed_tokens.weight, although config.json")));
  CHECK(tally.count(note(untied).empty() && note(plain).empty()));
}

TEST_CASE("A directory that kvx cannot read is refused, and the message says what was found") {
  struct Refused {
    const char* name;
    DirChange make;
    std::string error;  ///< after the directory's path
  };
  const std::string tensor = "/model.safetensors: tensor ", weight = ": expected a finite f32 weight, found ";
  const std::string adapter = ": expected a whole model, found an adapter";
  const std::vector<Refused> directories = {
      {"NaN among weights", with_tensors([](RawTensors& raw) { set_bits(raw[kDown], 0, 0x7fc0); }),
       tensor + kDown + ": row 0, column 0" + weight},
      {"infinity in F16", with_tensors([](RawTensors& raw) {
         for (auto& [name, values] : raw) {
           std::string bytes;
           for (std::size_t at = 0; at < values.bytes.size(); at += 2) {
             BF16 value;
             std::memcpy(static_cast<void*>(&value), values.bytes.data() + at, sizeof value);
             const F16 half(static_cast<float>(value));
             bytes.append(reinterpret_cast<const char*>(&half), sizeof half);
           }
           values = {"F16", values.shape, bytes};
         }
         set_bits(raw[kDown], 5 * 384 + 7, 0x7c00);
       }),
       tensor + kDown + ": row 5, column 7" + weight + "inf"},
      {"a row of NaN in the embedding", with_tensors([](RawTensors& raw) {
         for (std::size_t k = 0; k < 128; ++k) set_bits(raw[kEmbedding], 300 * 128 + k, 0x7fc0);
       }),
       tensor + kEmbedding + ": row 300, column 0" + weight},
      {"NaN in a norm", with_tensors([](RawTensors& raw) { set_bits(raw["model.norm.weight"], 3, 0xffc0); }),
       tensor + "model.norm.weight: element 3: expected a finite number, found "},
      {"an adapter beside the model", with_file("adapter_config.json", R"({"peft_type":"LORA"})"),
       "/adapter_config.json" + adapter},
      {"an adapter alone",
       in_turn(in_turn(without_file("config.json"), without_file("model.safetensors")),
               with_file("adapter_model.safetensors", "")),
       "/adapter_model.safetensors" + adapter},
      {"GPTQ without a configuration", with_tensors(as_gptq), "found a quantized model (GPTQ, AWQ or similar)"},
      {"bytes as weights", with_tensors([](RawTensors& raw) {
         RawTensor& down = raw[kDown];
         down = {"I8", down.shape, std::string(down.bytes.size() / 2, '\1')};
       }),
       tensor + kDown + ": dtype: expected F32, F16 or BF16, found I8, as in quantized models"},
      {"a quantized configuration", with_members("config.json", R"("quantization_config":{"bits":4})"),
       "/config.json: field quantization_config: expected null, found {\"bits\":4}"},
      {"a pointer to weights", with_file("model.safetensors", kPointer),
       "/model.safetensors: expected a safetensors file, " + kPull},
      {"a pointer to the tokenizer", with_file("tokenizer.json", kPointer),
       "/tokenizer.json: not valid JSON: " + kPull},
      {"a pointer to the configuration", with_file("config.json", kPointer), "/config.json: not valid JSON: " + kPull},
      {"PyTorch's file", in_turn(without_file("model.safetensors"), with_file("pytorch_model.bin", "PK\x03\x04")),
       ": expected model.safetensors or model.safetensors.index.json, found pytorch_model.bin, which is not "
       "safetensors"},
      {"PyTorch's file under another name",
       with_file("model.safetensors", std::string("PK\x03\x04") + std::string(60, '\0')),
       "/model.safetensors: expected a safetensors file, found a ZIP archive, such as PyTorch's"},
      {"a link to a blob that is missing",
       [](const ModelDir& dir) { dir.link("model.safetensors", "../../blobs/c0ffee"); },
       "/blobs/c0ffee, which is missing"},
      {"a broken link in place of an optional file",
       [](const ModelDir& dir) { dir.link("generation_config.json", "../../blobs/decaf"); },
       "/blobs/decaf, which is missing"},
      {"NaN where a number is needed", with_members("config.json", R"("rope_theta":NaN)"),
       "/config.json: field rope_theta: expected a number, found \"NaN\""},
      {"an id that the token does not get", with_file("added_tokens.json", R"({"<obs>":1030})"),
       "/added_tokens.json: field <obs>: expected the id 1024"},
      {"windows shorter than the model",
       with_members("config.json", R"("use_sliding_window":true,"sliding_window":64,"max_window_layers":1)"),
       "/config.json: field use_sliding_window: expected no window of 64 tokens"},
  };
  Tally tally{"model directories (refused)"};
  for (const Refused& refused : directories) {
    const ModelDir dir;
    refused.make(dir);
    const std::string error = error_of([&] {
      (void)Tokenizer::load(dir.path());
      (void)logits_of(dir.path());
    });
    CAPTURE(refused.name);
    CHECK_MESSAGE(tally.count(error.find(refused.error) != error.npos), error);
  }
}
