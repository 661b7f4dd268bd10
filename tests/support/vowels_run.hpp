#pragma once

#include <kvx/eval/run/evaluation.hpp>
#include <kvx/io/json/json_writer.hpp>
#include <kvx/io/text_file.hpp>
#include <kvx/model/compress.hpp>
#include <kvx/model/generate.hpp>
#include <kvx/text/chat_split.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "support/error_of.hpp"
#include "support/reference.hpp"
#include "support/temp_dir.hpp"

namespace kvx_test {

/// A task that is not part of kvx. It measures the share of vowels in an answer, and whether the answer begins like the
/// sample's answer, if that has more than one letter.
struct Vowels {
  static constexpr std::string_view name = "vowels";
  static constexpr int kUnlimited = 1'000'000;
  static inline std::atomic<int> grades_left = kUnlimited;  ///< answers that are graded before grading fails
  static std::span<const kvx::Metric> metrics() {
    static constexpr std::array<kvx::Metric, 2> kMetrics = {{{.name = "vowels"}, {.name = "begins"}}};
    return kMetrics;
  }
  static std::span<const kvx::State> states() {
    static constexpr std::array<kvx::State, 2> kStates = {{{"sung"}, {"spoken"}}};
    return kStates;
  }
  kvx::Grade grade(const kvx::Sample& sample, std::string_view answer) const {
    if (sample.answer.empty()) throw kvx::Error("sample's answer", "expected a word, found nothing");
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

/// Another task that is not part of kvx. It checks whether an answer is empty.
struct Empty {
  static constexpr std::string_view name = "empty";
  static std::span<const kvx::Metric> metrics() {
    static constexpr std::array<kvx::Metric, 1> kMetrics = {{{.name = "empty"}}};
    return kMetrics;
  }
  static std::span<const kvx::State> states() {
    static constexpr std::array<kvx::State, 2> kStates = {{{"empty"}, {"full"}}};
    return kStates;
  }
  kvx::Grade grade(const kvx::Sample&, std::string_view answer) const {
    return {answer.empty() ? "empty" : "full", {answer.empty()}};
  }
};

inline kvx::TaskRegistry tasks() {
  kvx::TaskRegistry registry;
  registry.add<Vowels>();
  registry.add<Empty>();
  return registry;
}

inline const std::string kLong =
    "You may call one of these tools by JSON: {\"name\": \"set_light\", \"parameters\": {\"room\": \"string\", "
    "\"level\": "
    "\"integer\"}}, {\"name\": \"get_time\", \"parameters\": {\"city\": \"string\"}}\n";
inline const std::string kOther = "Once there was a sparrow that lived under the roof of an old mill near the river. ";
inline const std::string kShort = "Hello. ";

/// A sample of the task `vowels`.
inline kvx::Sample sample(const std::string& context, const std::string& question, int max_new_tokens = 5) {
  return {
      context,       question, "{\"", question.substr(0, 1 + question.size() % 2), "vowels/" + question.substr(0, 1),
      max_new_tokens};
}
/// Two contexts, whose samples do not follow each other.
inline const std::vector<kvx::Sample> kSamples = {sample(kLong, "dim it"), sample(kOther, "who?!", 3),
                                                  sample(kLong, "time", 1), sample(kLong, "light", 8),
                                                  sample(kOther, "why?")};

inline std::string lines_of(const std::vector<kvx::Sample>& samples) {
  std::string text;
  for (const kvx::Sample& s : samples) {
    kvx::JsonWriter out;
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
  kvx::EvalOptions options;

  explicit Bench(const std::vector<kvx::Sample>& samples = kSamples) {
    options.models = {kTinyModel};
    options.tasks = {"vowels"};
    options.presses = {"knorm", "snapkv(window=8)"};
    options.ratios = {0, 0.5};
    options.data = dir.write("data.jsonl", lines_of(samples));
    options.dtype = kvx::Dtype::f32;
    options.weights = kvx::WeightFormat::f32;
    options.threads = 2;
    options.out = dir.path() + "/out";
  }

  kvx::RunTimes run() const { return kvx::Evaluation(options, tasks(), kvx::kvx_presses()).run(); }
  std::string error() const {
    return error_of([&] { run(); });
  }
  std::string text() const { return kvx::read_text_file(options.out + "/records.jsonl"); }
  std::vector<kvx::Record> records() const {
    std::vector<kvx::Record> all;
    kvx::each_jsonl_row(options.out + "/records.jsonl",
                        [&](const kvx::JsonlRow& row) { all.push_back(kvx::record_of(row, tasks())); });
    return all;
  }
  /// A copy of the tiny model whose weights differ in one byte.
  std::string other_model() const {
    const std::string path = dir.path() + "/model", weights = path + "/model.safetensors";
    std::filesystem::copy(kTinyModel, path);
    std::string bytes(kvx::MappedFile(weights).text());
    bytes[bytes.size() - 2] = static_cast<char>(bytes[bytes.size() - 2] ^ 1);
    std::filesystem::remove(weights);
    dir.write("model/model.safetensors", bytes);
    return path;
  }
};

/// One row over all layers and heads of the tiny model, in f32.
inline std::size_t row_bytes() {
  const kvx::ModelConfig config = kvx::ModelConfig::load(kTinyModel);
  const kvx::CacheShape shape{config.layers, config.kv_heads, config.head_dim, kvx::Dtype::f32};
  return static_cast<std::size_t>(config.layers * config.kv_heads) * shape.row_bytes();
}

/// Computes what the cells of a run should answer: the context is compressed for one cell, and one sequence is decoded.
struct ReferenceRun {
  const kvx::EvalOptions& options;
  std::string dir;
  kvx::Threads threads{1};
  kvx::Tokenizer tokenizer = kvx::Tokenizer::load(dir);
  kvx::ChatTemplate chat = kvx::ChatTemplate::load(dir);
  kvx::Decoder model = kvx::Decoder::load(dir, options.weights, threads);

  kvx::Record record(const kvx::AnyTask& task, const kvx::CellName& cell, const kvx::Allowance& allowance,
                     std::size_t index, const std::string& key) {
    const kvx::Sample& s = kSamples[index];
    const auto parts = kvx::split_chat(chat, "", s.context, s.question, s.answer_prefix);
    auto tokens = tokenizer.encode(parts.context);
    if (options.max_context_length > 0) tokens.resize(static_cast<std::size_t>(options.max_context_length));
    const auto context =
        kvx::compress(model, tokens, kvx::kvx_presses().parse(cell.press), allowance, options.dtype, threads);
    auto sequence = context.start;
    const auto question = tokenizer.encode(parts.question);
    const kvx::Step step{&sequence, question};
    kvx::Sampler greedy({});
    const auto answer = kvx::generate(
        model, sequence, kvx::forward(model, {&step, 1}, threads), greedy,
        options.max_new_tokens > 0 ? options.max_new_tokens : kvx::Index{s.max_new_tokens}, threads, [](kvx::Token) {});
    kvx::Record expected{key, dir, std::string(task.name()), cell.press, 0, index, s, tokenizer.decode(answer, true)};
    expected.ratio = allowance.resolve(static_cast<kvx::Index>(tokens.size()), model.cache_shape(options.dtype)).ratio;
    expected.grade = task.grade(s, expected.predicted_answer);
    expected.kept_bytes = context.start.bytes();
    expected.full_bytes = context.full_bytes;
    expected.budget = cell.budget;
    return expected;
  }
};

}  // namespace kvx_test
