#include <kvx/eval/run/analyze_kept.hpp>

#include <doctest/doctest.h>
#include <kvx/eval/run/options.hpp>
#include <kvx/press/named/registry.hpp>

#include <array>
#include <cstddef>
#include <string>
#include <vector>

#include "support/reference.hpp"
#include "support/tiny_random.hpp"

using namespace kvx;

TEST_CASE("A context that a cell cannot serve counts neither in the cell's mean ratio nor in its kept rows") {
  EvalOptions options;
  options.presses = {"snapkv(window=16)", "knorm"};
  options.keep = 8;
  const auto cells = planned_cells(options, kvx_presses());
  REQUIRE(cells.size() == 2);
  const std::string dir = kvx_test::kTinyModel;
  PreparedModel model{"m", dir, ModelConfig::load(dir), Tokenizer::load(dir)};
  TaskPrompts& task = model.tasks.emplace_back(TaskPrompts{"t", "key", std::vector<Sample>(1)});
  task.samples[0].task = "t";
  struct Context {
    std::size_t tokens, questions;
  };
  for (const Context context : std::array<Context, 3>{{{12, 2}, {40, 1}, {80, 3}}}) {
    PromptGroup& group = task.groups.emplace_back(PromptGroup{kvx_test::random_tokens(context.tokens, context.tokens)});
    group.prompts.resize(context.questions);
  }
  Threads threads(1);
  KeptAnalysis analysis;
  int contexts = 0;
  analyze_kept(analysis, model, Decoder::load(dir, WeightFormat::f32, threads), cells, Dtype::f32, threads,
               [&] { ++contexts; });
  CHECK(contexts == 3);
  // 8 rows are kept. The window of snapkv is longer than the 12 tokens of the first context.
  const auto ratio = [&](std::size_t cell) { return analysis.ratios.settled("m", "t", cells[cell].name).ratio; };
  CHECK(ratio(0) == doctest::Approx((0.8 + 3 * 0.9) / 4));
  CHECK(ratio(1) == doctest::Approx((2 * (4.0 / 12) + 0.8 + 3 * 0.9) / 6));
  std::vector<Index> tokens;
  for (const KeptSpan& span : analysis.counts.spans())
    if (span.span == "all") tokens.push_back(span.tokens);
  CHECK(tokens == std::vector<Index>{12 + 40 + 80, 40 + 80});  // of knorm, then of snapkv
  REQUIRE(analysis.texts.size() == 1);
  REQUIRE(analysis.texts[0].cells.size() == 1);
  CHECK(analysis.texts[0].cells[0].name.press == "knorm");
}
