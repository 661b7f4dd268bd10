// Evaluations that do more than answer each sample once from its compressed context.
#include <doctest/doctest.h>
#include <kvx/eval/run/evaluation.hpp>
#include <kvx/eval/tables/results.hpp>
#include <kvx/io/text_file.hpp>
#include <kvx/model/compress.hpp>
#include <kvx/model/generate.hpp>
#include <kvx/model/likelihood.hpp>
#include <kvx/score/tasks.hpp>
#include <kvx/text/chat_split.hpp>

#include <cmath>
#include <cstddef>
#include <set>
#include <string>
#include <vector>

#include "support/error_of.hpp"
#include "support/reference.hpp"
#include "support/temp_dir.hpp"

using namespace kvx;

namespace {

const std::string kData = std::string(KVX_SOURCE_DIR) + "/examples/data/";

EvalOptions mode_options(const TempDir& dir) {
  EvalOptions options;
  options.models = {kvx_test::kTinyModel};
  options.tasks = {"tool_call"};
  options.presses = {"knorm"};
  options.ratios = {0, 0.5};
  options.data = kData + "tool_world.jsonl.gz";
  options.task_data = {{"perplexity", {kData + "story.txt"}}, {"latency", {kData + "story.txt"}}};
  options.samples = {.contexts = 1, .samples = 3};
  options.max_new_tokens = 12;
  options.pieces = {.length = 128, .most = 1};
  options.timing = {.pieces = 2, .gen_tokens = 3, .warm_ups = 1};
  options.dtype = Dtype::f32;
  options.weights = WeightFormat::f32;
  options.threads = 2;
  options.out = dir.path() + "/out";
  return options;
}

std::vector<Record> recorded(const EvalOptions& options) {
  Evaluation evaluation(options, kvx_tasks(), kvx_presses());
  evaluation.run();
  std::vector<Record> all;
  each_jsonl_row(options.out + "/records.jsonl",
                 [&](const JsonlRow& row) { all.push_back(record_of(row, kvx_tasks())); });
  return all;
}

/// The tiny model, from which the expected records are computed.
struct ReferenceModel {
  Threads threads{1};
  Tokenizer tokenizer = Tokenizer::load(kvx_test::kTinyModel);
  ChatTemplate chat = ChatTemplate::load(kvx_test::kTinyModel);
  Decoder model = Decoder::load(kvx_test::kTinyModel, WeightFormat::f32, threads);
};

}  // namespace

TEST_CASE("Query-aware cells compress context and question together, and do not change the other cells") {
  const TempDir dir;
  EvalOptions options = mode_options(dir);
  const std::string plain = (recorded(options), read_text_file(options.out + "/records.jsonl"));
  options.query_aware = true;
  const auto records = recorded(options);
  REQUIRE(records.size() == 9);
  ReferenceModel reference;
  std::string others;
  for (const Record& record : records) {
    if (!record.query_aware) {
      others += to_json(record, kvx_tasks()) + "\n";
      continue;
    }
    const Sample& s = record.sample;
    const auto parts = split_chat(reference.chat, "", s.context + s.question, "", s.answer_prefix);
    auto context = compress(reference.model, reference.tokenizer.encode(parts.context), kvx_presses().parse("knorm"),
                            Allowance::of_ratio(0.5), Dtype::f32, reference.threads);
    CHECK(record.press == "knorm");
    CHECK(record.kept_bytes == context.start.bytes());
    const auto opening = reference.tokenizer.encode(parts.question);
    const Step step{&context.start, opening};
    Sampler greedy({});
    const auto answer =
        generate(reference.model, context.start, forward(reference.model, {&step, 1}, reference.threads), greedy, 12,
                 reference.threads, [](Token) {});
    CHECK(record.predicted_answer == reference.tokenizer.decode(answer, true));
  }
  CHECK((others == plain));
  const auto cells = score_cells(kvx_tasks(), records);
  CHECK(cells.size() == 3);
  CHECK(cells.back().cell.label() == "knorm query_aware");
  CHECK(cells.back().changes.size() == ToolCallTask::metrics().size());
  options.max_context_length = 50;
  options.out += "/cut";
  CHECK(error_of([&] { recorded(options); }) ==
        "query-aware: expected no max-context-length, which would cut off the questions");
}

TEST_CASE("Without a chat template the last token of a query-aware context is the question") {
  const TempDir dir;
  EvalOptions options = mode_options(dir);
  options.query_aware = true;
  options.chat = "none";
  CHECK(recorded(options).size() == 9);
}

TEST_CASE("Several answers to a sample are sampled separately, and are the same in each run") {
  const TempDir dir;
  EvalOptions options = mode_options(dir);
  options.attempts = 4;
  options.sampler = {.temperature = 1, .top_p = 0.95, .seed = 3};
  options.samples.samples = 2;
  const auto records = recorded(options);
  REQUIRE(records.size() == 16);
  std::set<std::string> answers;
  for (std::size_t r = 0; r < records.size(); ++r) {
    CHECK(records[r].attempt == r % 4);
    CHECK(records[r].index == r / 4 % 2);
    answers.insert(records[r].predicted_answer);
  }
  CHECK(answers.size() > 4);
  const std::string whole = read_text_file(options.out + "/records.jsonl");
  options.max_batch = 1;
  options.out += "/again";
  recorded(options);
  CHECK((read_text_file(options.out + "/records.jsonl") == whole));
  options.sampler.seed = 4;
  CHECK(error_of([&] { recorded(options); }).find("holds records of another run") != std::string::npos);
}

TEST_CASE("Reference answers of the other tasks are predicted from the same cells") {
  const TempDir dir;
  EvalOptions options = mode_options(dir);
  options.tasks = {"perplexity", "tool_call"};
  options.references = true;
  const auto records = recorded(options);
  REQUIRE(records.size() == 2 * (1 + 3 + 3));
  ReferenceModel reference;
  int references = 0;
  for (const Record& record : records) {
    if (record.task != "perplexity" || record.sample.context.empty()) continue;
    const Sample& s = record.sample;
    const auto parts = split_chat(reference.chat, "", s.context, s.question, s.answer_prefix);
    const auto context =
        compress(reference.model, reference.tokenizer.encode(parts.context), kvx_presses().parse(record.press),
                 Allowance::of_ratio(record.ratio), Dtype::f32, reference.threads);
    auto tokens = reference.tokenizer.encode(parts.question);
    const std::size_t given = tokens.size();
    for (const Token token : reference.tokenizer.encode(*AnyTask(ToolCallTask()).reference(s))) tokens.push_back(token);
    std::vector<SequenceCache> sequences = {context.start};
    const auto likelihoods = suffix_likelihood(reference.model, sequences, tokens, reference.threads).front();
    double loss = 0;
    for (std::size_t t = given - 1; t < likelihoods.size(); ++t) loss += likelihoods[t].nll;
    const auto count = static_cast<double>(tokens.size() - given);
    const AnyTask perplexity{PerplexityTask()};
    CHECK(metric_of(record, perplexity, "tokens") == count);
    CHECK(metric_of(record, perplexity, "loss").value() == doctest::Approx(loss / count));
    ++references;
  }
  CHECK(references == 6);
}

TEST_CASE("Each text of a task is a group of its own") {
  const TempDir dir;
  EvalOptions options = mode_options(dir);
  options.tasks = {"perplexity"};
  options.task_data["perplexity"].push_back(kData + "catalog.txt");
  options.pieces = {.length = 64, .most = 2};
  const auto records = recorded(options);
  REQUIRE(records.size() == 8);
  CHECK(records[0].sample.task == "story");
  CHECK(records[2].sample.task == "catalog");
  CHECK(records[2].index == 2);
}

TEST_CASE("A run that is extended never uses the record of one file for another") {
  const TempDir dir;
  EvalOptions options = mode_options(dir);
  options.task_data["perplexity"].push_back(kData + "catalog.txt");
  options.pieces = {.length = 64, .most = 1};
  const auto grown = [&](auto&& grow) {
    recorded(options);
    grow();
    const std::string error = error_of([&] { recorded(options); });
    options.out += "_";
    return error.find("holds records of another run") != std::string::npos;
  };
  options.tasks = {"perplexity"};
  CHECK(grown([&] { options.pieces.most = 2; }));
  options.tasks = {"latency"};
  options.task_data["latency"].push_back(kData + "catalog.txt");
  CHECK(grown([&] { options.timing.pieces = 1; }));
  options.tasks = {"tool_call"};
  options.samples = {.contexts = 2, .samples = 2};
  CHECK_FALSE(grown([&] { options.samples.samples = 3; }));  // a sample's index does not depend on how many are used
  options.task_data["tool_call"] = {options.data, dir.write("again.jsonl", read_text_file(options.data))};
  options.samples = {.contexts = 1, .samples = 1};
  CHECK_FALSE(grown([&] { options.samples = {.contexts = 2, .samples = 2}; }));
  options.task_data.erase("tool_call");
  options.tasks = {"perplexity", "tool_call"};
  options.task_data["perplexity"].pop_back();
  CHECK_FALSE(grown([&] { options.pieces.most = 1; }));
  options.references = true;
  CHECK_FALSE(grown([&] { options.pieces.most = 2; }));
  CHECK_FALSE(grown([&] { options.samples.samples = 3; }));
}

TEST_CASE("A run with references that is extended has the same result as one that was complete from the start") {
  const TempDir dir;
  EvalOptions options = mode_options(dir);
  options.tasks = {"tool_call", "perplexity"};
  options.references = true;
  options.pieces = {.length = 64, .most = 1};
  options.samples = {.contexts = 2, .samples = 2};
  CHECK(recorded(options).size() == 2 * (2 + 2 + 1));
  options.pieces.most = 2;
  options.samples.samples = 4;
  CHECK(recorded(options).size() == 2 * (4 + 4 + 2));
  const std::string bytes = read_text_file(options.out + "/records.jsonl");
  options.out += "_again";
  recorded(options);
  CHECK((read_text_file(options.out + "/records.jsonl") == bytes));
}

TEST_CASE("Samples are spread over contexts, and a larger run continues a smaller one with the same result") {
  const TempDir dir;
  EvalOptions options = mode_options(dir);
  options.samples = {.contexts = 2, .samples = 2};
  std::vector<std::string> contexts;
  for (const Sample& sample : load_samples(options.data)) contexts.push_back(sample.context);
  const auto second = static_cast<std::size_t>(
      std::find_if(contexts.begin(), contexts.end(), [&](const auto& c) { return c != contexts[0]; }) -
      contexts.begin());
  const auto few = recorded(options);
  REQUIRE(few.size() == 4);
  CHECK(few[0].index == 0);
  CHECK(few[1].index == second);
  CHECK(few[1].sample.context == contexts[second]);
  options.samples.samples = 4;
  const auto grown = recorded(options);
  REQUIRE(grown.size() == 8);
  CHECK(grown[1].index == 1);
  CHECK(grown[2].index == second);
  const std::string bytes = read_text_file(options.out + "/records.jsonl");
  options.out += "_again";
  recorded(options);
  CHECK(read_text_file(options.out + "/records.jsonl") == bytes);
}

TEST_CASE("Two texts with the same name are an error") {
  const TempDir dir;
  EvalOptions options = mode_options(dir);
  options.tasks = {"perplexity"};
  const std::string other = dir.write("story.raw", "Once upon a time.\n");
  options.task_data["perplexity"].push_back(other);
  CHECK(error_of([&] { recorded(options); }) == other + ": expected texts of different names, found story twice");
}

TEST_CASE("The chat template is part of a perplexity's key, because presses may repeat the context with it") {
  const TempDir dir;
  EvalOptions options = mode_options(dir);
  options.tasks = {"perplexity"};
  recorded(options);
  options.chat = "none";
  CHECK(error_of([&] { recorded(options); }).find("holds records of another run") != std::string::npos);
}

TEST_CASE("Greedy answers do not depend on the sampling options, and drafts do not change sampled answers") {
  const TempDir dir;
  EvalOptions options = mode_options(dir);
  recorded(options);
  options.sampler.seed = 9;
  options.sampler.top_p = 0.5;
  CHECK(error_of([&] { recorded(options); }) == "");
  options.sampler.temperature = 1;
  options.out += "/sampled";
  recorded(options);
  const std::string plain = read_text_file(options.out + "/records.jsonl");
  options.draft = true;
  options.out += "/drafted";
  recorded(options);
  CHECK((read_text_file(options.out + "/records.jsonl") == plain));
}

TEST_CASE("Generations are timed one by one for each cell and piece") {
  const TempDir dir;
  EvalOptions options = mode_options(dir);
  options.tasks = {"latency"};
  options.presses = {"knorm", "snapkv(window=500)"};
  const auto records = recorded(options);
  REQUIRE(records.size() == 6);
  const ModelConfig config = ModelConfig::load(kvx_test::kTinyModel);
  const std::size_t row = static_cast<std::size_t>(config.layers * config.kv_heads) *
                          CacheShape{config.layers, config.kv_heads, config.head_dim, Dtype::f32}.row_bytes();
  for (const Record& record : records) {
    if (record.press.starts_with("snapkv")) {
      CHECK(record.grade.state == kNotApplicable);
      continue;
    }
    const auto metric = [&](const char* name) { return metric_of(record, AnyTask(LatencyTask()), name).value(); };
    CHECK(record.grade.state == "timed");
    CHECK(record.full_bytes == 128 * row);
    CHECK(record.kept_bytes == (record.press == kNoPress ? 128 : 64) * row);
    CHECK(metric("prefill_time") > 0);
    CHECK(metric("ttft") > metric("prefill_time"));
    CHECK(metric("total_generation_time") == doctest::Approx(metric("ttft") + metric("decode_time")));
    CHECK(metric("tpot") == doctest::Approx(metric("decode_time") / 2));
  }
  options.timing.gen_tokens = 5000;
  options.out += "/long";
  CHECK(error_of([&] { recorded(options); }) ==
        "gen-tokens: expected at most the model's 4096 positions with max-length, found 5128");
}
