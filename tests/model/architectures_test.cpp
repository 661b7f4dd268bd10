// Compares tiny models of all architectures with transformers and kvpress: angles of RoPE, hidden states, keys, logits,
// and complete runs under presses, for each spelling of config.json.
#include "support/golden_runs.hpp"
#include "support/temp_dir.hpp"

#include <doctest/doctest.h>
#include <kvx/model/compress.hpp>
#include <kvx/model/read_rope.hpp>
#include <kvx/press/none.hpp>

#include <cmath>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace {

using namespace kvx;

constexpr float kArchitectureTolerance = 1e-3f;  // of hidden states, keys and logits; stated with the references

/// The folders with references of other architectures.
std::vector<std::string> architecture_folders() {
  std::vector<std::string> folders;
  for (const std::string& folder : kvx_test::golden_folders())
    if (std::filesystem::exists(folder + "/arch/manifest.json")) folders.push_back(folder + "/arch");
  return folders;
}

/// A directory with a model's weights and one spelling of its config.json. If `longer`, max_position_embeddings is
/// 4096, since the contexts of some references are longer than the model's own value. The angles stay the same, since a
/// scaling that depends on the original length states it.
class SpelledModel {
 public:
  SpelledModel(const std::string& model, const std::string& config, bool longer) {
    std::string text(MappedFile(model + "/" + config).text());
    const std::string field = "\"max_position_embeddings\": ";
    if (longer) {
      const std::size_t number = text.find(field) + field.size();
      text.replace(number, text.find_first_not_of("0123456789", number) - number, "4096");
    }
    dir_.write("config.json", text);
    std::filesystem::create_symlink(model + "/model.safetensors", path() + "/model.safetensors");
  }

  const std::string& path() const { return dir_.path(); }

 private:
  TempDir dir_;
};

bool near_angles(const std::vector<float>& found, const std::vector<float>& golden) {
  bool near = found.size() == golden.size();
  for (std::size_t i = 0; near && i < found.size(); ++i)
    near = std::abs(double{found[i]} / double{golden[i]} - 1) <= 2e-6;
  return near;
}

/// Records what enters each layer for the last token of a step.
class HiddenStates final : public StepObserver {
 public:
  std::unique_ptr<StepObserver> clone() const override { return std::make_unique<HiddenStates>(*this); }
  void after_attention(SequenceCache&, const LayerStep& step, Threads&) override {
    layers.emplace_back(step.hidden.bottomRows(1));
  }

  std::vector<Matrix<float>> layers;
};

/// Whether `found` is row `index` of a golden tensor.
bool near_row(const Matrix<float>& found, const std::vector<float>& golden, std::size_t index) {
  const auto size = static_cast<std::size_t>(found.size());
  return kvx_test::distance(found, {golden.begin() + static_cast<std::ptrdiff_t>(index * size),
                                    golden.begin() + static_cast<std::ptrdiff_t>((index + 1) * size)}) <=
         kArchitectureTolerance;
}

void check_angles(const kvx_test::GoldenRuns& runs, const JsonValue& variant, const std::string& name,
                  kvx_test::Tally& tally) {
  const ModelConfig& config = runs.model.config();
  const auto check = [&](const RopeParameters& rope, const std::string& tensor, const JsonValue& factor) {
    CHECK(tally.count(near_angles(rope.inv_freq(config.head_dim), to_floats(runs.file.at("inv_freq/" + tensor)))));
    CHECK(tally.count(rope.attention_factor == static_cast<float>(factor.number())));
  };
  const JsonValue factor = variant.at("attention_factor");
  if (!factor.is_object()) return check(config.rope, name, factor);
  check(config.rope, name + "/full_attention", factor.at("full_attention"));
  check(config.sliding_rope, name + "/sliding_attention", factor.at("sliding_attention"));
}

/// Checks hidden states and keys of the context's last token, which is decoded after the others, and the logits.
void check_last_token(kvx_test::GoldenRuns& runs, const JsonValue& variant, const std::string& name,
                      kvx_test::Tally& tally) {
  const auto context = kvx_test::tokens(JsonValue(variant.at("contexts").array().at(0), variant.where()));
  const auto compressed = [&](std::span<const Token> tokens) {
    return compress(runs.model, tokens, AnyPolicy(None()), Allowance::of_ratio(0), Dtype::f32, runs.threads);
  };
  const auto golden_logits = to_floats(runs.file.at("logits_context/" + name + "-none"));
  CHECK(tally.count(kvx_test::distance(compressed(context).logits, golden_logits) <= kArchitectureTolerance));

  SequenceCache sequence = compressed(std::span(context).first(context.size() - 1)).start;
  auto observer = std::make_unique<HiddenStates>();
  const HiddenStates& hidden = *observer;
  sequence.observer = std::move(observer);
  const Step last{&sequence, std::span(context).last(1)};
  CHECK(tally.count(kvx_test::distance(forward(runs.model, {&last, 1}, runs.threads), golden_logits) <=
                    kArchitectureTolerance));
  const auto golden_hidden = to_floats(runs.file.at("hidden/" + name)),
             golden_keys = to_floats(runs.file.at("key/" + name));
  std::size_t head = 0;
  for (std::size_t l = 0; l < hidden.layers.size(); ++l) {
    CAPTURE(l);
    CHECK(tally.count(near_row(hidden.layers[l], golden_hidden, l)));
    for (const HeadCache& cache : sequence.tail.layer(static_cast<Index>(l)))
      CHECK(tally.count(near_row(cache.keys<float>().bottomRows(1), golden_keys, head++)));
  }
}

TEST_CASE("every architecture computes what transformers computes, and keeps the rows that kvpress keeps") {
  kvx_test::Tally tally{"architectures"};
  for (const std::string& folder : architecture_folders()) {
    const auto manifest = JsonDocument::load(folder + "/manifest.json");
    const Safetensors file = Safetensors::open(folder + "/arch.safetensors");
    manifest.root().at("ropes").each_element([&](const JsonValue& rope) {
      RopeParameters read;
      detail::read_rope_object(rope.at("rope_parameters"), rope.at("max_position_embeddings").number(), read);
      CAPTURE(rope.at("id").string());
      const auto golden = to_floats(file.at("rope/" + std::string(rope.at("id").string())));
      CHECK(tally.count(near_angles(read.inv_freq(rope.at("head_dim").integer()), golden)));
      CHECK(tally.count(read.attention_factor == static_cast<float>(rope.at("attention_factor").number())));
    });
    manifest.root().at("variants").each_element([&](const JsonValue& variant) {
      const std::string name(variant.at("name").string()),
          dir = folder + "/" + std::string(variant.at("model").string());
      variant.at("configs").each_element([&](const JsonValue& config) {
        CAPTURE(name);
        CAPTURE(config.string());
        const SpelledModel spelled(dir, std::string(config.string()), false);
        const SpelledModel longer(dir, std::string(config.string()), true);
        kvx_test::GoldenRuns runs(folder + "/arch.safetensors", spelled.path());
        check_angles(runs, variant, name, tally);
        check_last_token(runs, variant, name, tally);
        kvx_test::GoldenRuns pressed(folder + "/arch.safetensors", longer.path());
        pressed.tolerance = kArchitectureTolerance;
        pressed.sketch = "sketch/" + name;
        check_angles(pressed, variant, name, tally);
        variant.at("cases").each_element([&](const JsonValue& test_case) { pressed.run(variant, test_case, tally); });
      });
    });
  }
  CHECK(tally.cases > 0);
}

}  // namespace
