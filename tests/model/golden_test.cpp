// Compares complete runs of a tiny model, from the context to greedy tokens, with kvpress and transformers.
#include "support/golden.hpp"
#include "support/error_of.hpp"
#include "support/kivi.hpp"
#include "support/tiny_random.hpp"

#include <doctest/doctest.h>
#include <kvx/model/compress.hpp>
#include <kvx/model/generate.hpp>
#include <kvx/press/edit_layer.hpp>
#include <kvx/press/none.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
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
  Safetensors file;
  std::string prefix;  // of the names of the tensors
  Threads threads{2};
  Decoder model;

  Suite(const std::string& file_path, const std::string& model_path, std::string name_prefix = "")
      : file(Safetensors::open(file_path)),
        prefix(std::move(name_prefix)),
        model(Decoder::load(model_path, WeightFormat::f32, threads)) {}

  AnyPolicy policy_of(const JsonValue& test_case) const {
    if (const auto press = test_case.find("press"); press && press->string() == "None") return AnyPolicy(None());
    return kvx_test::policy_of(test_case.at("node"), [&](const std::string&, const std::string& tensor) {
      const auto scores = to_floats(file.at("duo/" + tensor));
      const Index heads = model.config().kv_heads;
      return Matrix<float>(view(scores.data(), model.config().layers, heads, heads));
    });
  }

  static RepeatPrompt repeat_prompt(const JsonValue& e2e) {
    const JsonValue ids = e2e.at("kvzip_ids");
    const auto list = [&](const char* name) { return kvx_test::tokens(ids.at(name)); };
    return {list("repeat"), list("next"), list("suffix"), static_cast<Index>(list("prefix").size())};
  }

  /// Simulates KIVI's quantization of `cache`, with scales and zeros of type Scale. `nudge` is added to the elements
  /// before they are rounded.
  template <class Scale>
  SequenceCache rounded(const CacheQuantization& quantization, const KvCache& cache, Position next_position,
                        float nudge = 0) const {
    const CacheShape shape = model.cache_shape(Dtype::f32);
    SequenceCache sequence(std::make_shared<const KvCache>(shape), shape, next_position);
    sequence.tail = cache;
    auto observer = std::make_unique<kvx_test::RoundedCache<Scale>>(quantization, nudge);
    for (Index l = 0; l < cache.layers(); ++l) observer->update(l, sequence.tail.layer(l));
    sequence.observer = std::move(observer);
    return sequence;
  }

  void run(const JsonValue& e2e, const JsonValue& test_case, kvx_test::Tally& tally) {
    const std::string id(test_case.at("id").string());
    CAPTURE(prefix);
    CAPTURE(id);
    std::optional<AnyPolicy> policy;
    const std::string refused = error_of([&] { policy = policy_of(test_case); });
    CAPTURE(refused);
    if (!policy) {  // the press is no longer recognized
      CHECK(tally.count(false));
      return;
    }
    const auto list = [&](const char* name, const char* which) {
      const auto index = static_cast<std::size_t>(test_case.at(which).integer());
      return kvx_test::tokens(JsonValue(e2e.at(name).array().at(index), e2e.where()));
    };
    const auto context = list("contexts", "context"), question = list("questions", "question");
    const auto tokens = static_cast<Index>(context.size());
    const auto allowance = Allowance::of_ratio(test_case.at("ratio").number());

    // If equal scores allow different choices, the golden rows are used, and only the results after them are compared.
    const Tensor* mask_tensor = file.find(prefix + "keepmask/" + id);
    const auto mask = mask_tensor == nullptr ? std::vector<std::uint8_t>() : values<std::uint8_t>(*mask_tensor);
    const bool tie = test_case.at("tie").boolean();
    const auto golden_rows = [&](Index l) {
      const Index heads = model.config().kv_heads;
      return kvx_test::rows_of_mask(mask.data() + l * heads * tokens, heads, tokens);
    };
    bool same_rows = true;
    CompressedContext compressed;
    KvCache unquantized;
    if (policy->needs().repetition) {
      compressed = compress(model, context, *policy, allowance, Dtype::f32, threads, {}, repeat_prompt(e2e));
      for (Index l = 0; l < compressed.start.prefix->layers(); ++l) {
        const auto golden = golden_rows(l);
        for (std::size_t h = 0; h < golden.size(); ++h)
          same_rows &= std::ranges::equal(compressed.start.prefix->layer(l)[h].positions(), golden[h]);
      }
    } else {
      const CacheShape shape = model.cache_shape(Dtype::f32);
      KvCache cache(shape);
      prefill(model, context, needs_of(*policy), Dtype::f32, threads,
              [&](const PressInput& in, const LayerCache& rows) {
                Kept kept = policy->select(with_queries(in, policy->needs().queries), allowance);
                if (!mask.empty())
                  tie ? void(kept = golden_rows(in.layer)) : void(same_rows &= kept == golden_rows(in.layer));
                cache.layer(in.layer) = edited(*policy, with_queries(in, policy->edit_queries()), rows, kept);
              });
      const Position next = position_after(*policy, cache, tokens);
      if (policy->quantization()) unquantized = cache;
      compressed.start = start_sequence(model, *policy, std::move(cache), Dtype::f32, next);
    }
    CHECK(tally.count(same_rows));

    auto sequence = compressed.start;
    REQUIRE(sequence.next_position == test_case.at("position_base").integer());
    const auto expected = kvx_test::tokens(test_case.at("tokens"));
    const auto quantization = policy->quantization();
    // For the logits after the question, and for the last ones.
    std::array<float, 2> tolerances = {2 * kvx_test::kLogitRounding, 2 * kvx_test::kLogitRounding};
    if (quantization) {
      // An element at the boundary of two codes may get either one if the rows have rounding errors like those of the
      // logits. The tolerance includes the effect of all such codes on the logits.
      const auto simulated = [&](float nudge) {
        return rounded<float>(*quantization, unquantized, compressed.start.next_position, nudge);
      };
      auto plain = simulated(0), above = simulated(kvx_test::kLogitRounding),
           below = simulated(-kvx_test::kLogitRounding);
      // The cache stores scales as F16, the golden runs as float. So the cache is compared with a simulation with F16,
      // and a simulation with float is compared with the golden runs.
      auto halves = rounded<F16>(*quantization, unquantized, sequence.next_position);
      std::vector<std::vector<Token>> parts = {question};
      for (std::size_t i = 0; i + 1 < expected.size(); ++i) parts.push_back({expected[i]});
      for (std::size_t i = 0; i < parts.size(); ++i) {
        const Step steps[] = {
            {&plain, parts[i]}, {&above, parts[i]}, {&below, parts[i]}, {&sequence, parts[i]}, {&halves, parts[i]}};
        const Matrix<float> rows = forward(model, steps, threads);
        const auto difference = [&](Index a, Index b) { return (rows.row(a) - rows.row(b)).cwiseAbs().maxCoeff(); };
        float& tolerance = tolerances[i == 0 ? 0 : 1];
        tolerance = 2 * kvx_test::kLogitRounding + difference(0, 1) + difference(0, 2);
        CHECK(tally.count(difference(3, 4) <= tolerance));
      }
      sequence = simulated(0);
    }
    const Step step{&sequence, question};
    Matrix<float> logits = forward(model, {&step, 1}, threads);
    CHECK(tally.count(distance(logits, to_floats(file.at(prefix + "logits/" + id))) <= tolerances[0]));

    std::vector<Token> answer;
    Sampler greedy({});
    // kvpress masks the rows that a sliding threshold evicts. They are counted at the end.
    const bool masks = policy->sliding_threshold().has_value();
    const auto rows_per_step = masks ? std::nullopt : test_case.find("cache_rows_per_step");
    bool same_growth = true;
    for (;;) {
      if (rows_per_step) {
        const JsonValue rows(rows_per_step->array().at(answer.size()), rows_per_step->where());
        std::size_t l = 0;
        rows.each_element([&](const JsonValue& count) {
          for (const HeadCache& head : sequence.tail.layer(static_cast<Index>(l++)))
            same_growth &= head.rows() == count.integer();
        });
      }
      answer.push_back(greedy({logits.data(), static_cast<std::size_t>(logits.cols())}));
      if (answer.size() == expected.size()) break;
      const Step next{&sequence, {&answer.back(), 1}};
      logits = forward(model, {&next, 1}, threads);
    }
    if (masks) {
      std::size_t l = 0;
      test_case.at("masked_rows_per_layer").each_element([&](const JsonValue& masked) {
        Index evicted = 0;
        for (const HeadCache& head : sequence.tail.layer(static_cast<Index>(l++)))
          evicted += sequence.next_position - head.rows();
        same_growth &= evicted == masked.integer();
      });
    }
    CHECK(tally.count(same_growth));
    if (tie && policy->decoding() != nullptr && !prefix.empty()) return;  // kvpress chose other rows among equal scores
    CHECK(tally.count(answer == expected));
    CHECK(tally.count(distance(logits, to_floats(file.at(prefix + "logits_last/" + id))) <= tolerances[1]));
  }
};

TEST_CASE("rows, logits and greedy tokens equal kvpress end to end") {
  kvx_test::Tally tally{"end to end", 0, 0, 0, "methods that their author has disowned"};
  for (const auto& folder : kvx_test::golden_folders()) {
    const auto manifest = JsonDocument::load(folder + "/manifest.json");
    const JsonValue e2e = manifest.root().at("e2e");
    Suite suite(folder + "/" + std::string(e2e.at("file").string()),
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
  Suite suite(folder + "/" + std::string(manifest.root().at("file").string()), shared + "/golden/tiny-random",
              "model/");
  const JsonValue runs = manifest.root().at("model");
  runs.at("cases").each_element([&](const JsonValue& test_case) {
    const auto press = test_case.at("node").at("press_name").string();
    if (press != "DMS" && press != "CompressionRatioDecoding") return void(++tally.not_applicable);
    suite.run(runs, test_case, tally);
  });
  CHECK(tally.cases > 0);
}

TEST_CASE("greedy answers of a real model equal those of transformers") {
  const std::string models = kvx_test::environment("KVX_MODELS"), shared = kvx_test::environment("KVX_SHARED");
  kvx_test::Tally tally{"real model, f32", 0, 0, 0, "runs whose best two logits come within 1e-3"};
  const std::string answers = shared + "/golden/qwen-coder-0.5b.json";
  if (!std::filesystem::exists(models + "/qwen-coder-0.5b") || !std::filesystem::exists(answers)) {
    tally.why = "no qwen-coder-0.5b in KVX_MODELS or KVX_SHARED";
    return;
  }
  Threads threads;
  const Decoder model = Decoder::load(models + "/qwen-coder-0.5b", WeightFormat::f32, threads);
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

}  // namespace
