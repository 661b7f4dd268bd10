// The tool calls of a real model under compression, compared with kvpress's.
#include <doctest/doctest.h>
#include <kvx/eval/run/grid_batch.hpp>
#include <kvx/io/json/json.hpp>
#include <kvx/press/named/registry.hpp>
#include <kvx/score/sample.hpp>
#include <kvx/text/chat_split.hpp>
#include <kvx/text/chat_template.hpp>
#include <kvx/text/tokenizer.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "support/reference.hpp"

using namespace kvx;

namespace {

/// The difference of the two highest logits where the text of `answer` first differs from `expected`.
float gap_at_difference(const Decoder& model, const Tokenizer& tokenizer, SequenceCache sequence,
                        std::span<const Token> question, std::span<const Token> answer, const std::string& expected,
                        Threads& threads) {
  std::size_t same = 0;
  while (same < answer.size() && !model.config().is_stop(answer[same]) &&
         expected.starts_with(tokenizer.decode(answer.first(same + 1), true)))
    ++same;
  std::vector<Token> tokens(question.begin(), question.end());
  tokens.insert(tokens.end(), answer.begin(), answer.begin() + static_cast<Index>(same));
  const Step step{&sequence, tokens};
  const Matrix<float> logits = forward(model, {&step, 1}, threads);
  std::vector<float> row(logits.data(), logits.data() + logits.size());
  std::nth_element(row.begin(), row.begin() + 1, row.end(), std::greater<>());
  return row[0] - row[1];
}

}  // namespace

TEST_CASE("A real model's tool calls under compression are those of kvpress") {
  const std::string models = kvx_test::environment("KVX_MODELS"), shared = kvx_test::environment("KVX_SHARED");
  kvx_test::Tally tally{"tool_call answers of qwen-coder-0.5b", 0, 0, 0, "presses that kvx does not have"};
  const std::string answers = shared + "/golden/qwen-coder-0.5b-toolcall.json";
  tally.why = "no answers in KVX_SHARED, or their model is not in KVX_MODELS";
  if (!std::filesystem::exists(answers)) return;
  const auto golden = JsonDocument::load(answers);
  const std::string dir = models + "/" + std::string(golden.root().at("model").string());
  if (!std::filesystem::exists(dir)) return;
  tally.why = "presses that kvx does not have";
  REQUIRE(golden.root().at("dtype").string() == "f32");
  auto samples = load_samples(shared + "/golden/" + std::string(golden.root().at("data").string()));
  samples.resize(static_cast<std::size_t>(golden.root().at("rows").integer()));

  Threads threads;
  const auto tokenizer = Tokenizer::load(dir);
  const auto chat = ChatTemplate::load(dir);
  const auto model = Decoder::load(dir, WeightFormat::f32, threads);
  const auto context = split_chat(chat, "", samples[0].context, "", "").context;
  std::vector<Question> questions;
  for (const Sample& sample : samples) {
    const auto parts = split_chat(chat, "", sample.context, sample.question, sample.answer_prefix);
    REQUIRE(parts.context == context);
    questions.push_back({tokenizer.encode(parts.question), golden.root().at("max_new_tokens").integer()});
  }
  std::vector<Cell> cells;
  std::vector<GridJob> jobs;
  std::vector<std::vector<std::string>> expected;  // per cell
  golden.root().at("cells").each_element([&](const JsonValue& cell) {
    for (std::size_t q = 0; q < questions.size(); ++q) jobs.push_back({cells.size(), q});
    cells.push_back({kvx_presses().parse(cell.at("press").string()), Allowance::of_ratio(cell.at("ratio").number())});
    auto& answers = expected.emplace_back();
    cell.at("answers").each_element([&](const JsonValue& answer) { answers.emplace_back(answer.string()); });
    REQUIRE(answers.size() == questions.size());
  });

  const ScoredContext scored(model, tokenizer.encode(context), cells, Dtype::f32, threads);
  GridBatch batch(model, {64, std::size_t{2} << 30}, threads);
  batch.add({scored, questions, jobs, [&](const GridJob& job, const GridAnswer& given) {
               const std::string answer = tokenizer.decode(given.tokens, true);
               const std::string& golden_answer = expected[job.cell][job.question];
               if (tally.count(answer == golden_answer)) return;
               const SequenceCache sequence = scored.start(job.cell);
               const float gap = gap_at_difference(model, tokenizer, sequence, questions[job.question].tokens,
                                                   given.tokens, golden_answer, threads);
               CHECK(gap < 0.05f);  // a near-tie of the best two logits
               std::printf("%s, request %zu, best two logits %g apart:\n  kvpress %s\n  kvx     %s\n",
                           cells[job.cell].policy.written().c_str(), job.question, static_cast<double>(gap),
                           golden_answer.c_str(), answer.c_str());
             }});
  batch.finish();
  CHECK(tally.cases == static_cast<int>(jobs.size()));
  CHECK(tally.failed * 20 <= tally.cases);
}
