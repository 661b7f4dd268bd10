// Compares complete runs of a tiny model, from the context to greedy tokens, with kvpress and transformers.
#include "support/golden_runs.hpp"

#include <doctest/doctest.h>
#include <kvx/model/compress.hpp>
#include <kvx/model/generate.hpp>
#include <kvx/press/none.hpp>

#include <cmath>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace kvx;

TEST_CASE("rows, logits and greedy tokens equal kvpress end to end") {
  kvx_test::Tally tally{"end to end", 0, 0, 0, "methods that their author has disowned"};
  for (const auto& folder : kvx_test::golden_folders()) {
    const auto manifest = JsonDocument::load(folder + "/manifest.json");
    const JsonValue e2e = manifest.root().at("e2e");
    kvx_test::GoldenRuns suite(folder + "/" + std::string(e2e.at("file").string()),
                               folder + "/" + std::string(e2e.at("model").string()));
    e2e.at("cases").each_element([&](const JsonValue& test_case) {
      if (test_case.at("press").string().starts_with("Canary")) return void(++tally.not_applicable);
      suite.run(e2e, test_case, tally);
    });
  }
  CHECK(tally.cases > 0);
}

TEST_CASE("presses that evict while decoding equal kvpress end to end") {
  kvx_test::Tally tally{"end to end, decoding", 0, 0, 0, "methods that kvx does not have"};
  const std::string shared = kvx_test::environment("KVX_SHARED"), folder = shared + "/golden/methods";
  if (!std::filesystem::exists(folder + "/manifest.json")) return void(tally.why = "no golden/methods in KVX_SHARED");
  const auto manifest = JsonDocument::load(folder + "/manifest.json");
  kvx_test::GoldenRuns suite(folder + "/" + std::string(manifest.root().at("file").string()),
                             shared + "/golden/tiny-random", "model/");
  const JsonValue runs = manifest.root().at("model");
  runs.at("cases").each_element([&](const JsonValue& test_case) {
    const auto press = test_case.at("node").at("press_name").string();
    if (press != "DMS" && press != "CompressionRatioDecoding") return void(++tally.not_applicable);
    suite.run(runs, test_case, tally);
  });
  CHECK(tally.cases > 0);
}

/// Compares greedy answers of a real model with those of transformers.
void check_real_model(const std::string& name, const std::string& reference) {
  const std::string directory = kvx_test::environment("KVX_MODELS") + "/" + name,
                    answers = kvx_test::environment("KVX_SHARED") + "/golden/" + reference;
  kvx_test::Tally tally{"real model, f32, " + name, 0, 0, 0, "runs whose best two logits come within 1e-3"};
  if (!std::filesystem::exists(directory) || !std::filesystem::exists(answers)) {
    tally.why = "no " + name + " in KVX_MODELS or no " + reference + " in KVX_SHARED";
    return;
  }
  Threads threads;
  const Decoder model = Decoder::load(directory, WeightFormat::f32, threads);
  const auto golden = JsonDocument::load(answers);
  golden.root().each_element([&](const JsonValue& run) {
    if (run.at("min_gap").number() <= 1e-3) return void(++tally.not_applicable);
    CAPTURE(run.at("text").string());
    const auto prompt = kvx_test::tokens(run.at("ids")), expected = kvx_test::tokens(run.at("tokens"));
    auto context = compress(model, prompt, AnyPolicy(None()), Allowance::of_ratio(0), Dtype::f32, threads);
    bool close = true;
    run.at("top_logits").each_element([&](const JsonValue& top) {
      const auto element = [&](std::size_t i) { return JsonValue(top.array().at(i), top.where()); };
      close &= std::abs(static_cast<double>(context.logits(0, element(0).integer())) - element(1).number()) <= 2e-3;
    });
    CHECK(tally.count(close));
    auto sequence = context.start;
    Sampler greedy({});
    CHECK(tally.count(generate(model, sequence, std::move(context.logits), greedy, static_cast<Index>(expected.size()),
                               threads, [](Token) {}) == expected));
  });
}

TEST_CASE("greedy answers of real models equal those of transformers") {
  check_real_model("qwen-coder-0.5b", "qwen-coder-0.5b.json");
  check_real_model("smollm2-135m-llama", "smollm2-135m.json");
  check_real_model("gemma3-270m", "gemma3-270m.json");
}

}  // namespace
