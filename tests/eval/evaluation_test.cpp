#include <kvx/eval/run/evaluation.hpp>

#include <doctest/doctest.h>
#include <kvx/io/json/json_writer.hpp>
#include <kvx/io/text_file.hpp>
#include <kvx/model/compress.hpp>
#include <kvx/model/generate.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <optional>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/error_of.hpp"
#include "support/reference.hpp"
#include "support/temp_dir.hpp"

using namespace kvx;

namespace {

/// A task that is not part of kvx. It measures the share of vowels in an answer, and whether the answer begins like the
/// sample's answer, if that has more than one letter.
struct Vowels {
  static constexpr std::string_view name = "vowels";
  static constexpr int kUnlimited = 1'000'000;
  static inline std::atomic<int> grades_left = kUnlimited;  ///< answers that are graded before grading fails
  static std::span<const Metric> metrics() {
    static constexpr std::array<Metric, 2> kMetrics = {{{.name = "vowels"}, {.name = "begins"}}};
    return kMetrics;
  }
  static std::span<const State> states() {
    static constexpr std::array<State, 2> kStates = {{{"sung"}, {"spoken"}}};
    return kStates;
  }
  Grade grade(const Sample& sample, std::string_view answer) const {
    if (sample.answer.empty()) throw Error("sample's answer", "expected a word, found nothing");
    if (grades_left-- <= 0) throw std::runtime_error("grading failed");
    const auto vowels = std::count_if(answer.begin(), answer.end(), [](char c) {
      return std::string_view("aeiou").find(c) != std::string_view::npos;
    });
    const auto size = std::max<std::size_t>(1, answer.size());
    return {4 * static_cast<std::size_t>(vowels) > size ? "sung" : "spoken",
            {static_cast<double>(vowels) / static_cast<double>(size),
             sample.answer.size() > 1 ? std::optional<double>(answer.starts_with(sample.answer[0])) : std::nullopt},
            std::to_string(answer.size()) + " bytes"};
  }
};

/// Another task that is not part of kvx: is the answer empty?
struct Empty {
  static constexpr std::string_view name = "empty";
  static std::span<const Metric> metrics() {
    static constexpr std::array<Metric, 1> kMetrics = {{{.name = "empty"}}};
    return kMetrics;
  }
  static std::span<const State> states() {
    static constexpr std::array<State, 2> kStates = {{{"empty"}, {"full"}}};
    return kStates;
  }
  Grade grade(const Sample&, std::string_view answer) const {
    return {answer.empty() ? "empty" : "full", {answer.empty()}};
  }
};

TaskRegistry tasks() {
  TaskRegistry registry;
  registry.add<Vowels>();
  registry.add<Empty>();
  return registry;
}

const std::string kLong =
    "You may call one of these tools by JSON: {\"name\": \"set_light\", \"parameters\": {\"room\": \"string\", "
    "\"level\": "
    "\"integer\"}}, {\"name\": \"get_time\", \"parameters\": {\"city\": \"string\"}}\n";
const std::string kOther = "Once there was a sparrow that lived under the roof of an old mill near the river. ";
const std::string kShort = "Hello. ";

/// A sample of the task `vowels`.
Sample sample(const std::string& context, const std::string& question, int max_new_tokens = 5) {
  return {
      context,       question, "{\"", question.substr(0, 1 + question.size() % 2), "vowels/" + question.substr(0, 1),
      max_new_tokens};
}
/// Two contexts, whose samples do not follow each other.
const std::vector<Sample> kSamples = {sample(kLong, "dim it"), sample(kOther, "who?!", 3), sample(kLong, "time", 1),
                                      sample(kLong, "light", 8), sample(kOther, "why?")};

std::string lines_of(const std::vector<Sample>& samples) {
  std::string text;
  for (const Sample& s : samples) {
    JsonWriter out;
    out.begin_object().key("context").value(s.context).key("question").value(s.question);
    out.key("answer_prefix").value(s.answer_prefix).key("answer").value(s.answer);
    out.key("task").value(s.task).key("max_new_tokens").value(s.max_new_tokens).end_object();
    text += out.text() + "\n";
  }
  return text;
}

/// A folder with data, and with options for a small run on it.
struct Bench {
  TempDir dir;
  EvalOptions options;

  explicit Bench(const std::vector<Sample>& samples = kSamples) {
    options.models = {kvx_test::kTinyModel};
    options.tasks = {"vowels"};
    options.presses = {"knorm", "snapkv(window=8)"};
    options.ratios = {0, 0.5};
    options.data = dir.write("data.jsonl", lines_of(samples));
    options.dtype = Dtype::f32;
    options.weights = WeightFormat::f32;
    options.threads = 2;
    options.out = dir.path() + "/out";
  }

  RunTimes run() const { return Evaluation(options, tasks(), kvx_presses()).run(); }
  std::string error() const {
    return error_of([&] { run(); });
  }
  std::string text() const { return read_text_file(options.out + "/records.jsonl"); }
  std::vector<Record> records() const {
    std::vector<Record> all;
    each_jsonl_row(options.out + "/records.jsonl", [&](const JsonlRow& row) { all.push_back(record_of(row)); });
    return all;
  }
  /// A copy of the tiny model whose weights differ in one byte.
  std::string other_model() const {
    const std::string path = dir.path() + "/model", weights = path + "/model.safetensors";
    std::filesystem::copy(kvx_test::kTinyModel, path);
    std::string bytes(MappedFile(weights).text());
    bytes[bytes.size() - 2] = static_cast<char>(bytes[bytes.size() - 2] ^ 1);
    std::filesystem::remove(weights);
    dir.write("model/model.safetensors", bytes);
    return path;
  }
};

/// One row over all layers and heads of the tiny model, in f32.
std::size_t row_bytes() {
  const ModelConfig config = ModelConfig::load(kvx_test::kTinyModel);
  const CacheShape shape{config.layers, config.kv_heads, config.head_dim, Dtype::f32};
  return static_cast<std::size_t>(config.layers * config.kv_heads) * shape.row_bytes();
}

/// Computes what the cells of a run should answer: the context is compressed for one cell, and one sequence is decoded.
struct ReferenceRun {
  const EvalOptions& options;
  std::string dir;
  Threads threads{1};
  Tokenizer tokenizer = Tokenizer::load(dir);
  ChatTemplate chat = ChatTemplate::load(dir);
  Decoder model = Decoder::load(dir, options.weights, threads);

  Record record(const AnyTask& task, const CellName& cell, const Allowance& allowance, std::size_t index,
                const std::string& key) {
    const Sample& s = kSamples[index];
    const auto parts = split_chat(chat, "", s.context, s.question, s.answer_prefix);
    auto tokens = tokenizer.encode(parts.context);
    if (options.max_context_length > 0) tokens.resize(static_cast<std::size_t>(options.max_context_length));
    const auto context = compress(model, tokens, kvx_presses().parse(cell.press), allowance, options.dtype, threads);
    auto sequence = context.start;
    const auto question = tokenizer.encode(parts.question);
    const Step step{&sequence, question};
    Sampler greedy({});
    const auto answer =
        generate(model, sequence, forward(model, {&step, 1}, threads), greedy,
                 options.max_new_tokens > 0 ? options.max_new_tokens : Index{s.max_new_tokens}, threads, [](Token) {});
    Record expected{key, dir, std::string(task.name()), cell.press, 0, index, s, tokenizer.decode(answer, true)};
    expected.ratio = allowance.resolve(static_cast<Index>(tokens.size()), model.cache_shape(options.dtype)).ratio;
    const Grade grade = task.grade(s, expected.predicted_answer);
    expected.state = grade.state;
    expected.detail = grade.detail;
    for (std::size_t i = 0; i < grade.metrics.size(); ++i)
      expected.metrics[std::string(task.metrics()[i].name)] = grade.metrics[i];
    expected.kept_bytes = context.start.bytes();
    expected.full_bytes = context.full_bytes;
    expected.budget = cell.budget;
    return expected;
  }
};

}  // namespace

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
          text +=
              to_json(reference.record(registry.at(task), cell, Allowance::of_ratio(cell.ratio), i, found[at].key)) +
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

TEST_CASE("A second run answers only what is missing") {
  Bench bench;
  bench.options.samples.samples = 3;
  CHECK(bench.run().answers == 9);
  const std::string first = bench.text();
  const RunTimes again = bench.run();
  CHECK(again.answers == 0);
  CHECK(again.context_tokens == 0);
  CHECK((bench.text() == first));
  bench.options.samples.samples = 0;
  bench.options.threads = 1;
  bench.options.max_batch = 2;
  CHECK(bench.run().answers == 6);
  bench.options.ratios = {0, 0.25, 0.5};
  bench.options.memory *= 2;
  CHECK(bench.run().answers == 10);
  const std::string grown = bench.text();
  bench.options.out += "/anew";
  CHECK(bench.run().answers == 25);
  CHECK((bench.text() == grown));
}

TEST_CASE("A run that was interrupted ends with the same bytes") {
  Bench bench;
  bench.run();
  const std::string whole = bench.text();
  bench.options.out += "/again";
  for (const int graded : {0, 1, 5, 3, 4}) {
    bench.options.max_batch = 1 + graded;
    bench.options.threads = 1 + graded % 3;
    Evaluation evaluation(bench.options, tasks(), kvx_presses());
    Vowels::grades_left = graded;
    CHECK_THROWS_AS(evaluation.run(), std::runtime_error);
    Vowels::grades_left = Vowels::kUnlimited;
  }
  CHECK(bench.records().size() == 13);
  CHECK(bench.run().answers == 2);
  CHECK((bench.text() == whole));
  for (std::size_t size = 0; size < whole.size(); size += whole.size() / 5) {
    CAPTURE(size);
    std::filesystem::resize_file(bench.options.out + "/records.jsonl", size);
    const std::string part = whole.substr(0, size);
    CHECK(bench.run().answers == 15 - static_cast<std::size_t>(std::count(part.begin(), part.end(), '\n')));
    CHECK((bench.text() == whole));
  }
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
    CHECK((record.state == kNotApplicable) == refused);
    CHECK(record.metrics.size() == 2);
    CHECK(record.metrics.contains("begins"));
    CHECK(record.metrics.at("vowels").has_value() == !refused);
    CHECK(record.full_bytes > 0);
    if (!refused) continue;
    CHECK(record.detail.starts_with("snapkv: a context of "));
    CHECK(record.detail.ends_with(" tokens is not longer than its window of 64"));
    CHECK(record.predicted_answer.empty());
    CHECK(record.ratio == 0.5);
  }
  CHECK(bench.run().answers == 0);
}

TEST_CASE("Errors of a run are reported before a model is loaded or a directory is created") {
  const auto check = [](const std::string& error, const std::function<void(Bench&)>& spoil) {
    Bench bench;
    const std::string model = bench.dir.path() + "/broken";
    bench.dir.write("broken/config.json", "{}");
    bench.options.models = {model};
    spoil(bench);
    const std::string found = error_of([&] { Evaluation(bench.options, tasks(), kvx_presses()); });
    CHECK_MESSAGE(found.find(error) != found.npos, found);
    CHECK_FALSE(std::filesystem::exists(bench.options.out));
  };
  const auto data = [](const std::string& text) {
    return [text](Bench& bench) { bench.dir.write("data.jsonl", text); };
  };
  const std::string good = lines_of(kSamples);
  const auto without = [&](const std::string& column) {
    return good + std::string(lines_of({kSamples[0]})).replace(2, 7, column);
  };
  check("data.jsonl: line 6: missing column context", data(without("contest")));
  check("data.jsonl: line 6: expected a JSON object, found", data(good + "not JSON\n"));
  check("data.jsonl: line 1: expected a JSON object, found", data("[]\n" + good));
  check("data.jsonl: expected JSON lines, found an empty file", data(""));
  check("column max_new_tokens: expected a whole number from 1", data(lines_of({sample(kLong, "time", 0)})));
  check("nowhere", [](Bench& bench) { bench.options.data += "/nowhere"; });
  check("data.jsonl: line 6: sample's answer: expected a word, found nothing",
        data(good + lines_of({{kLong, "why?", "", "", "", 1}})));
  check("task 'vowel': unknown task; did you mean vowels?", [](Bench& bench) { bench.options.tasks = {"vowel"}; });
  check("unknown press 'knrm'", [](Bench& bench) { bench.options.presses = {"knrm"}; });
  check("ratio: expected 0 <= ratio < 1, found 1", [](Bench& bench) { bench.options.ratios = {0, 1}; });
  check("keep: expected 1 token or more, found 0", [](Bench& bench) { bench.options.keep = 0; });
  check("template: expected chatml", [](Bench& bench) { bench.options.chat = "chatmk"; });
  check("model no-such-model", [](Bench& bench) { bench.options.models = {"no-such-model"}; });

  Bench bench;
  bench.options.models = {bench.dir.path() + "/broken"};
  bench.dir.write("broken/config.json", "{}");
  CHECK(error_of([&] { Evaluation(bench.options, tasks(), kvx_presses()); }).find("/broken/") != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(bench.options.out));
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
      text += to_json(record) + "\n";
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
    text += to_json(record) + "\n";
  }
  CHECK(records.size() == 10);
  CHECK((bench.text() == text));
}

TEST_CASE("A context that is too long for the model is an error that names its line") {
  std::string context;
  for (int i = 0; i < 200; ++i) context += kLong;
  Bench bench({sample(kLong, "time"), sample(context, "time")});
  CHECK(bench.error().starts_with(bench.options.data + ": line 2: context and question: expected fewer tokens than"));
  bench.options.max_context_length = 50;
  CHECK(bench.run().answers == 6);
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

TEST_CASE("Records of another model, data, setting or dtype are refused") {
  const auto refused = [](const std::function<void(Bench&)>& change) {
    Bench bench;
    bench.options.presses = {"none"};
    bench.run();
    const std::string before = bench.text();
    change(bench);
    CHECK(bench.error().starts_with(bench.options.out + ": holds records of another run ("));
    CHECK((bench.text() == before));
  };
  refused([](Bench& bench) { bench.options.models = {bench.other_model()}; });
  refused([](Bench& bench) {
    auto samples = kSamples;
    samples.back().question = "who?";
    bench.dir.write("data.jsonl", lines_of(samples));
  });
  refused([](Bench& bench) { bench.options.max_new_tokens = 4; });
  refused([](Bench& bench) { bench.options.max_context_length = 10; });
  refused([](Bench& bench) { bench.options.chat = "none"; });
  refused([](Bench& bench) { bench.options.dtype = Dtype::bf16; });
  refused([](Bench& bench) { bench.options.weights = WeightFormat::int8; });
}

TEST_CASE("Too little memory for the weights and a context is an error") {
  Bench bench;
  bench.options.memory = std::size_t{1} << 20;
  CHECK(bench.error().starts_with("memory: expected more than "));
  bench.options.memory = std::size_t{4} << 30;
  CHECK(bench.run().answers == 15);
}

TEST_CASE("An answer that its press cannot finish is recorded, and the grid goes on and can be resumed") {
  Bench bench;
  bench.options.presses = {"knorm", "decoding(protect(knorm, span=system), interval=2, target=9)"};
  bench.run();
  std::size_t ended = 0, graded = 0;
  for (const Record& record : bench.records()) {
    if (record.state != "not_applicable") {
      ++graded;
      continue;
    }
    ++ended;
    CHECK(record.press.starts_with("decoding"));
    CHECK(record.detail == "protect: a prompt without a span system");
    CHECK(record.predicted_answer.empty());
  }
  CHECK(ended >= 3);
  CHECK(graded >= 2 * kSamples.size());
  const std::string text = bench.text();
  CHECK(bench.run().answers == 0);
  CHECK(bench.text() == text);
  for (const bool draft : {false, true}) {
    bench.options.out = bench.dir.path() + (draft ? "/drafted" : "/alone");
    bench.options.draft = draft;
    bench.options.max_batch = draft ? 64 : 1;
    bench.run();
    CHECK(bench.text() == text);
  }
}
