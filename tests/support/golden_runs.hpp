#pragma once

#include "support/error_of.hpp"
#include "support/golden.hpp"
#include "support/kivi.hpp"
#include "support/tiny_random.hpp"

#include <doctest/doctest.h>
#include <kvx/model/compress.hpp>
#include <kvx/model/generate.hpp>
#include <kvx/press/compactor.hpp>
#include <kvx/press/edit_layer.hpp>
#include <kvx/press/leverage.hpp>
#include <kvx/press/none.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace kvx_test {

using namespace kvx;

/// The largest difference of two rows of logits.
inline float distance(const Matrix<float>& logits, const std::vector<float>& golden) {
  REQUIRE(logits.cols() == static_cast<Index>(golden.size()));
  float worst = 0;
  for (Index i = 0; i < logits.cols(); ++i)
    worst = std::max(worst, std::abs(logits(0, i) - golden[static_cast<std::size_t>(i)]));
  return worst;
}

/// Complete runs of one model, whose references are the tensors of a file: the rows that a press keeps, logits and
/// greedy tokens.
struct GoldenRuns {
  Safetensors file;
  std::string prefix;                    // of the names of the tensors
  std::string sketch = {};               // the tensor with random projections, for presses that use them
  float tolerance = 2 * kLogitRounding;  // of logits
  Threads threads{2};
  Decoder model;

  GoldenRuns(const std::string& file_path, const std::string& model_path, std::string name_prefix = "")
      : file(Safetensors::open(file_path)),
        prefix(std::move(name_prefix)),
        model(Decoder::load(model_path, WeightFormat::f32, threads)) {}

  AnyPolicy policy_of(const JsonValue& test_case) const {
    if (const auto press = test_case.find("press"); press && press->string() == "None") return AnyPolicy(None());
    const AnyPolicy policy =
        kvx_test::policy_of(test_case.at("node"), [&](const std::string&, const std::string& tensor) {
          const auto scores = to_floats(file.at("duo/" + tensor));
          const Index heads = model.config().kv_heads;
          return Matrix<float>(view(scores.data(), model.config().layers, heads, heads));
        });
    if (const auto* leverage = policy.as<LeverageScore>()) return with_sketches(*leverage);
    if (const auto* compactor = policy.as<Compactor>()) return with_sketches(*compactor);
    return policy;
  }
  /// The press with the random projections of the reference.
  template <class P>
  AnyPolicy with_sketches(P press) const {
    const auto floats = to_floats(file.at(sketch));
    const Index heads = model.config().kv_heads, dim = model.config().head_dim,
                columns = static_cast<Index>(floats.size()) / (heads * dim);
    for (Index h = 0; h < heads; ++h)
      press.sketches.push_back(view(floats.data() + h * dim * columns, dim, columns, columns));
    return AnyPolicy(press);
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
    auto observer = std::make_unique<RoundedCache<Scale>>(quantization, nudge);
    for (Index l = 0; l < cache.layers(); ++l) observer->update(l, sequence.tail.layer(l));
    sequence.observer = std::move(observer);
    return sequence;
  }

  void run(const JsonValue& e2e, const JsonValue& test_case, Tally& tally) {
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
      return rows_of_mask(mask.data() + l * heads * tokens, heads, tokens);
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
                if (model.config().window(in.layer) > 0) return void(cache.layer(in.layer) = rows);
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
    std::array<float, 2> tolerances = {tolerance, tolerance};
    if (quantization) {
      // An element at the boundary of two codes may get either one if the rows have rounding errors like those of the
      // logits. The tolerance includes the effect of all such codes on the logits.
      const auto simulated = [&](float nudge) {
        return rounded<float>(*quantization, unquantized, compressed.start.next_position, nudge);
      };
      auto plain = simulated(0), above = simulated(kLogitRounding), below = simulated(-kLogitRounding);
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
        float& allowed = tolerances[i == 0 ? 0 : 1];
        allowed = tolerance + difference(0, 1) + difference(0, 2);
        CHECK(tally.count(difference(3, 4) <= allowed));
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

}  // namespace kvx_test
