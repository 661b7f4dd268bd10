// Drafts change only how fast answers are decoded.
#include "support/presses.hpp"
#include "support/tiny_random.hpp"

#include <doctest/doctest.h>
#include <kvx/core/threads.hpp>
#include <kvx/eval/run/grid_batch.hpp>
#include <kvx/eval/run/scored_context.hpp>
#include <kvx/model/decoder.hpp>
#include <kvx/press/named/registry.hpp>

#include <cstddef>
#include <map>
#include <span>
#include <utility>
#include <vector>

namespace {

using namespace kvx;
using kvx_test::random_tokens;
using Answers = std::map<std::pair<std::size_t, std::size_t>, std::vector<Token>>;

TEST_CASE("with and without drafts every press gives the same answers") {
  Threads threads(2);
  const Decoder model = Decoder::load(kvx_test::kTinyRandom, WeightFormat::bf16, threads);
  const ModelConfig& config = model.config();
  std::vector<Cell> cells = {{AnyPolicy(None()), Allowance::of_ratio(0)}};
  for (const AnyPolicy& press : kvx_test::every_press(config.layers, config.kv_heads, config.head_dim))
    for (const double ratio : {0.05, 0.5}) cells.push_back({press, Allowance::of_ratio(ratio)});
  const auto context = random_tokens(120, 1, config.vocab_size);
  const ScoredContext scored(model, context, cells, Dtype::bf16, threads);
  std::vector<Question> questions;
  for (const std::size_t tokens : {3u, 9u, 20u}) questions.push_back({random_tokens(tokens, 7, config.vocab_size), 30});
  std::vector<GridJob> jobs;
  for (std::size_t c = 0; c < cells.size(); ++c)
    for (std::size_t q = 0; q < questions.size(); ++q)
      if (scored.reason(c).empty()) jobs.push_back({c, q});

  const auto answers = [&](bool draft, Index sequences) {
    Answers all;
    GridBatch batch(model, {sequences, std::size_t{1} << 30, draft}, threads);
    batch.add({scored, questions, jobs, [&](const GridJob& job, const GridAnswer& given) {
                 all[{job.cell, job.question}].assign(given.tokens.begin(), given.tokens.end());
               }});
    batch.finish();
    return all;
  };
  const Answers plain = answers(false, 64);
  REQUIRE(plain.size() == jobs.size());
  std::size_t as_base = 0, partly = 0;
  for (const auto& [place, answer] : plain) {
    const auto& base = plain.at({0, place.second});
    as_base += answer == base;
    partly += answer != base && answer.front() == base.front();
  }
  CHECK(as_base > questions.size());  // some drafts are right to the end,
  CHECK(partly > 0);                  // and some up to a point
  for (const Index sequences : {1, 7, 64}) {
    const Answers drafted = answers(true, sequences);
    for (const auto& [place, answer] : plain) {
      CAPTURE(cells[place.first].policy.written());
      CHECK(drafted.at(place) == answer);
    }
  }
}

}  // namespace
