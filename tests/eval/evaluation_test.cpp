#include <kvx/eval/run/evaluation.hpp>

#include <doctest/doctest.h>
#include <kvx/model/compress.hpp>
#include <kvx/text/chat_split.hpp>

#include <atomic>
#include <cstddef>
#include <iterator>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "support/reference.hpp"
#include "support/vowels_run.hpp"

using namespace kvx;
using kvx_test::Bench;
using kvx_test::kLong;
using kvx_test::kOther;
using kvx_test::kSamples;
using kvx_test::kShort;
using kvx_test::ReferenceRun;
using kvx_test::row_bytes;
using kvx_test::sample;
using kvx_test::tasks;
using kvx_test::Vowels;

TEST_CASE("A run records the answers that each press gives in a run of its own, by model, task, cell and sample") {
  Bench bench;
  bench.options.models.push_back(bench.other_model());
  bench.options.tasks = {"empty", "vowels"};
  const RunTimes times = bench.run();
  const TaskRegistry registry = tasks();
  const auto found = bench.records();
  REQUIRE(found.size() == 60);
  std::size_t at = 0;
  std::string text;
  for (const auto& model : bench.options.models) {
    ReferenceRun reference{bench.options, model};
    for (const auto& task : bench.options.tasks)
      for (const auto& cell : {CellName{"none"}, CellName{"knorm", 0.5}, CellName{"snapkv(window=8)", 0.5}})
        for (std::size_t i = 0; i < kSamples.size(); ++i, ++at)
          text += to_json(reference.record(registry.at(task), cell, Allowance::of_ratio(cell.ratio), i, found[at].key),
                          registry) +
                  "\n";
  }
  CHECK((bench.text() == text));
  CHECK(found[0].key != found[30].key);
  for (std::size_t i = 0; i < 60; ++i) CHECK(found[i].key == found[i / 30 * 30].key);
  std::set<std::string> answers;
  for (const Record& record : found) answers.insert(record.predicted_answer);
  CHECK(answers.size() > 5);  // otherwise the comparison would show little
  CHECK(times.answers == 60);
  CHECK(times.answer_tokens > 60);
  double seconds = 0;
  std::size_t answer_tokens = 0;
  for (const CellTimes& cell : times.cells) {
    seconds += cell.seconds;
    answer_tokens += cell.answer_tokens;
  }
  CHECK(answer_tokens == times.answer_tokens);
  CHECK(seconds <= times.decode_seconds);
}

TEST_CASE("A context is prefilled once for the whole grid") {
  Bench bench;
  bench.options.ratios = {0, 0.25, 0.5, 0.75};
  const RunTimes times = bench.run();
  const auto tokenizer = Tokenizer::load(kvx_test::kTinyModel);
  const auto chat = ChatTemplate::load(kvx_test::kTinyModel);
  std::size_t tokens = 0;
  for (const auto& context : {kLong, kOther})
    tokens += tokenizer.encode(split_chat(chat, "", context, "", "").context).size();
  CHECK(times.context_tokens == tokens);
  CHECK(times.answers == 7 * kSamples.size());
}

namespace {
/// Vowels that counts how often a sample is prepared.
struct PreparedVowels : Vowels {
  static constexpr std::string_view name = "vowels";
  static inline std::atomic<std::size_t> prepared = 0;
  struct Grader {
    const Sample& sample;
    Grade grade(std::string_view answer) const { return Vowels().grade(sample, answer); }
  };
  Grader prepare(const Sample& sample) const {
    ++prepared;
    return {sample};
  }
};
}  // namespace

TEST_CASE("A sample is prepared once to check it, and once for the answers of all cells and attempts") {
  Bench bench;
  bench.options.attempts = 2;
  bench.options.sampler.temperature = 1;
  TaskRegistry registry;
  registry.add<PreparedVowels>();
  PreparedVowels::prepared = 0;
  const RunTimes times = Evaluation(bench.options, registry, kvx_presses()).run();
  CHECK(times.answers > 2 * kSamples.size());
  CHECK(PreparedVowels::prepared == 2 * kSamples.size());
}

TEST_CASE("If a context is too short for a press, the record says so and the run goes on") {
  Bench bench({sample(kShort, "dim it"), sample(kLong + kOther, "time"), sample(kShort, "why?")});
  bench.options.presses = {"snapkv", "knorm"};
  const RunTimes times = bench.run();
  CHECK(times.answers == 9);
  const auto records = bench.records();
  REQUIRE(records.size() == 9);
  for (const Record& record : records) {
    const bool refused = record.press == "snapkv" && record.index != 1;
    CAPTURE(record.press);
    CAPTURE(record.index);
    CHECK((record.grade.state == kNotApplicable) == refused);
    CHECK(record.grade.metrics.size() == 2);
    CHECK(metric_of(record, AnyTask(Vowels()), "vowels").has_value() == !refused);
    CHECK(record.full_bytes > 0);
    if (!refused) continue;
    CHECK(record.grade.detail.starts_with("snapkv: a context of "));
    CHECK(record.grade.detail.ends_with(" tokens is not longer than its window of 64"));
    CHECK(record.predicted_answer.empty());
    CHECK(record.ratio == 0.5);
  }
  CHECK(bench.run().answers == 0);
}

TEST_CASE("Budgets in rows and in bytes are separate cells") {
  Bench bench;
  const std::size_t row = row_bytes();
  bench.options.ratios = {0};
  bench.options.presses = {"knorm", "none", "KnormPress"};
  for (const Index keep : {Index{20}, Index{100'000}}) {
    bench.options.keep = keep;
    bench.options.kv_bytes = 21 * row - 1;
    bench.options.out += "/out";
    CHECK(bench.run().answers == 15);
    CHECK(bench.run().answers == 0);
    const auto records = bench.records();
    REQUIRE(records.size() == 15);
    ReferenceRun reference{bench.options, kvx_test::kTinyModel};
    const auto allowances = {Allowance::of_ratio(0), Allowance::of_tokens(keep), Allowance::of_bytes(21 * row - 1)};
    const std::vector<CellName> cells = {{"none"},
                                         {"knorm", 0, "keep=" + std::to_string(keep)},
                                         {"knorm", 0, "kv_bytes=" + std::to_string(21 * row - 1)}};
    std::string text;
    for (std::size_t at = 0; at < 15; ++at) {
      const Allowance& allowance = allowances.begin()[at / 5];
      const Record record = reference.record(AnyTask(Vowels()), cells[at / 5], allowance, at % 5, records[at].key);
      const bool whole = at < 5 || (at < 10 && keep > 20);
      CHECK(record.kept_bytes == (whole ? record.full_bytes : 20 * row));
      text += to_json(record, tasks()) + "\n";
    }
    CHECK((bench.text() == text));
  }
}

TEST_CASE("If the bytes of a budget depend on the selection, a record's ratio is that of the rows that are kept") {
  bool differs = false;  // from the ratio if all heads kept the same number of rows
  for (const std::size_t budget : {17u, 19u, 21u, 23u}) {
    Bench bench;
    bench.options.ratios = {0};
    bench.options.presses = {"ada(knorm)+int2(group=16, residual=16)"};
    bench.options.kv_bytes = budget * row_bytes();
    bench.run();
    const ReferenceRun reference{bench.options, kvx_test::kTinyModel};
    const AnyPolicy policy = kvx_presses().parse(bench.options.presses[0]);
    const auto allowance = Allowance::of_bytes(*bench.options.kv_bytes);
    const CacheShape shape = reference.model.cache_shape(bench.options.dtype);
    std::size_t checked = 0;
    Threads threads(1);
    for (const Record& record : bench.records()) {
      if (record.budget.empty()) continue;
      const auto parts =
          split_chat(reference.chat, "", record.sample.context, record.sample.question, record.sample.answer_prefix);
      const auto tokens = reference.tokenizer.encode(parts.context);
      const auto start = compress(reference.model, tokens, policy, allowance, bench.options.dtype, threads).start;
      const auto kept = static_cast<double>(start.prefix->rows() + start.tail.rows()),
                 all = static_cast<double>(std::ssize(tokens) * shape.layers * shape.kv_heads);
      CHECK(record.ratio == doctest::Approx(1 - kept / all).epsilon(1e-12));
      CHECK(record.kept_bytes == start.bytes());
      differs |= record.ratio != budget_of(policy, allowance, std::ssize(tokens), shape).ratio;
      ++checked;
    }
    CHECK(checked == kSamples.size());
  }
  CHECK(differs);
}

TEST_CASE("A context is cut and the length of an answer limited as the options say") {
  Bench bench;
  bench.options.presses = {"knorm"};
  bench.options.max_context_length = 20;
  bench.options.max_new_tokens = 4;
  bench.run();
  const auto records = bench.records();
  ReferenceRun reference{bench.options, kvx_test::kTinyModel};
  std::string text;
  for (const Record& found : records) {
    const Record record =
        reference.record(AnyTask(Vowels()), found.cell(), Allowance::of_ratio(found.ratio), found.index, found.key);
    CHECK(record.full_bytes == 20 * row_bytes());
    text += to_json(record, tasks()) + "\n";
  }
  CHECK(records.size() == 10);
  CHECK((bench.text() == text));
}

TEST_CASE("At ratio 0 every press is the base, which appears once and comes first") {
  Bench bench;
  bench.options.presses = {"snapkv", "knorm", "none", "random"};
  bench.options.ratios = {0.5, 0};
  bench.options.samples.samples = 1;
  bench.run();
  std::vector<CellName> cells;
  for (const Record& record : bench.records()) cells.push_back(record.cell());
  CHECK(cells == std::vector<CellName>{{"none"}, {"snapkv", 0.5}, {"knorm", 0.5}, {"random", 0.5}});
}
