// Whole runs of a tiny model, context to greedy tokens, against kvpress and transformers.
#include "support/golden.hpp"

#include <doctest/doctest.h>
#include <kvx/model/compress.hpp>
#include <kvx/model/generate.hpp>

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

namespace {

using namespace kvx;

/// The largest difference of two rows of logits.
float distance(const Matrix<float>& logits, const std::vector<float>& golden) {
  REQUIRE(logits.cols() == static_cast<Index>(golden.size()));
  float worst = 0;
  for (Index i = 0; i < logits.cols(); ++i)
    worst = std::max(worst, std::abs(logits(0, i) - golden[static_cast<std::size_t>(i)]));
  return worst;
}

struct Suite {
  std::string folder;
  Safetensors file;
  Threads threads{2};
  Qwen2 model;

  Suite(const std::string& root, const JsonValue& e2e)
      : folder(root),
        file(Safetensors::open(root + "/" + std::string(e2e.at("file").string()))),
        model(Qwen2::load(root + "/" + std::string(e2e.at("model").string()), WeightFormat::f32, threads)) {}

  void run(const JsonValue& e2e, const JsonValue& test_case, kvx_test::Tally& tally) {
    const JsonValue press = test_case.at("press");
    const auto node = test_case.find("node");
    const auto policy = kvx_test::policy_of(press, node ? &*node : nullptr);
    if (!policy) return void(++tally.not_applicable);
    const std::string id(test_case.at("id").string());
    CAPTURE(folder);
    CAPTURE(id);
    const auto list = [&](const char* name, const char* which) {
      const auto index = static_cast<std::size_t>(test_case.at(which).integer());
      return kvx_test::tokens(JsonValue(e2e.at(name).array().at(index), e2e.where()));
    };
    const auto context = list("contexts", "context"), question = list("questions", "question");
    const auto tokens = static_cast<Index>(context.size());
    const auto allowance = Allowance::of_ratio(test_case.at("ratio").number());

    // Where equal scores leave the choice open, the golden rows are used, and only what follows is compared.
    const Tensor* mask_tensor = file.find("keepmask/" + id);
    const auto mask = mask_tensor == nullptr ? std::vector<std::uint8_t>() : values<std::uint8_t>(*mask_tensor);
    const bool tie = test_case.at("tie").boolean();
    bool same_rows = true;
    CompressedContext compressed;
    compressed.shape = model.cache_shape(Dtype::f32);
    compressed.next_position = static_cast<Position>(tokens);
    KvCache cache(compressed.shape);
    prefill(model, context, policy->needs(), Dtype::f32, threads, [&](const PressInput& in, const LayerCache& rows) {
      Kept kept = policy->select(in, allowance);
      if (!mask.empty()) {
        const auto golden =
            kvx_test::rows_of_mask(mask.data() + in.layer * in.kv_heads() * tokens, in.kv_heads(), tokens);
        tie ? void(kept = golden) : void(same_rows &= kept == golden);
      }
      cache.layer(in.layer) = compacted(rows, kept);
    });
    compressed.cache = std::make_shared<const KvCache>(std::move(cache));
    CHECK(tally.count(same_rows));

    auto sequence = compressed.sequence();
    REQUIRE(sequence.next_position == test_case.at("position_base").integer());
    const Step step{&sequence, question};
    Matrix<float> logits = forward(model, {&step, 1}, threads);
    CHECK(tally.count(distance(logits, to_floats(file.at("logits/" + id))) <= 2e-3f));

    const auto expected = kvx_test::tokens(test_case.at("tokens"));
    std::vector<Token> answer;
    Sampler greedy({});
    for (;;) {
      answer.push_back(greedy({logits.data(), static_cast<std::size_t>(logits.cols())}));
      if (answer.size() == expected.size()) break;
      const Step next{&sequence, {&answer.back(), 1}};
      logits = forward(model, {&next, 1}, threads);
    }
    CHECK(tally.count(answer == expected));
    CHECK(tally.count(distance(logits, to_floats(file.at("logits_last/" + id))) <= 2e-3f));
  }
};

TEST_CASE("contexts, questions and greedy tokens equal kvpress end to end") {
  kvx_test::Tally tally{"end to end", 0, 0, 0, "presses that kvx does not have"};
  for (const auto& folder : kvx_test::golden_folders()) {
    const auto manifest = JsonDocument::load(folder + "/manifest.json");
    const JsonValue e2e = manifest.root().at("e2e");
    Suite suite(folder, e2e);
    e2e.at("cases").each_element([&](const JsonValue& test_case) { suite.run(e2e, test_case, tally); });
  }
  CHECK(tally.cases > 0);
}

TEST_CASE("greedy answers of a real model equal transformers") {
  const std::string models = kvx_test::environment("KVX_MODELS"), shared = kvx_test::environment("KVX_SHARED");
  kvx_test::Tally tally{"real model, f32", 0, 0, 0, "runs whose best two logits come within 1e-3"};
  if (models.empty() || shared.empty()) {
    tally.why = "KVX_MODELS or KVX_SHARED unset";
    return;
  }
  Threads threads;
  const Qwen2 model = Qwen2::load(models + "/qwen-coder-0.5b", WeightFormat::f32, threads);
  const auto golden = JsonDocument::load(shared + "/golden/qwen-coder-0.5b.json");
  golden.root().each_element([&](const JsonValue& run) {
    if (run.at("min_gap").number() <= 1e-3) return void(++tally.not_applicable);
    CAPTURE(run.at("text").string());
    const auto prompt = kvx_test::tokens(run.at("ids")), expected = kvx_test::tokens(run.at("tokens"));
    auto context = compress(model, prompt, AnyPolicy(None()), Allowance::of_ratio(0), Dtype::f32, threads);
    bool close = true;
    run.at("top_logits").each_element([&](const JsonValue& top) {
      const auto at = [&](std::size_t i) { return JsonValue(top.array().at(i), top.where()); };
      close &= std::abs(static_cast<double>(context.logits(0, at(0).integer())) - at(1).number()) <= 2e-3;
    });
    CHECK(tally.count(close));
    auto sequence = context.sequence();
    Sampler greedy({});
    CHECK(tally.count(generate(model, sequence, std::move(context.logits), greedy, static_cast<Index>(expected.size()),
                               threads, [](Token) {}) == expected));
  });
}

}  // namespace
