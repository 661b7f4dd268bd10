#include <kvx/eval/run/evaluation.hpp>
#include <kvx/eval/run/text_pieces.hpp>
#include <kvx/eval/tables/results.hpp>
#include <kvx/io/text_file.hpp>
#include <kvx/score/tasks.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "support/error_of.hpp"
#include "support/reference.hpp"
#include "support/temp_dir.hpp"

using namespace kvx;

namespace {

const std::string kRoot = KVX_SOURCE_DIR;

EvalOptions prediction_options(const TempDir& dir) {
  EvalOptions options;
  options.models = {kvx_test::kTinyModel};
  options.tasks = {"perplexity"};
  options.presses = {"snapkv", "keydiff", "streaming_llm", "expected_attention", "tova"};
  options.ratios = {0, 0.25, 0.75};
  options.task_data = {{"perplexity", {kRoot + "/examples/data/story.txt"}}};
  options.pieces = {.length = 512, .most = 4};
  options.dtype = Dtype::f32;
  options.weights = WeightFormat::f32;
  options.threads = 2;
  options.out = dir.path() + "/out";
  return options;
}

std::vector<Record> predictions(const EvalOptions& options) {
  Evaluation evaluation(options, kvx_tasks(), kvx_presses());
  evaluation.run();
  return evaluation.records();
}

double metric(const Record& record, std::string_view name) {
  return metric_of(record, AnyTask(PerplexityTask()), name).value();
}

}  // namespace

TEST_CASE("Perplexities equal those of transformers and kvpress on the same tokens") {
  const TempDir dir;
  const auto records = predictions(prediction_options(dir));
  int cases = 0, failed = 0;
  each_jsonl_row(kRoot + "/tests/data/golden/perplexity.jsonl", [&](const JsonlRow& row) {
    const auto& losses = *row.at("nll").array();
    for (std::size_t piece = 0; piece < losses.size(); ++piece) {
      bool found = false, right = false;
      for (const Record& record : records) {
        const bool same_press = record.press.substr(0, record.press.find('(')) == row.string("press");
        if (!same_press || record.ratio != row.at("ratio").number()->value() || record.index != piece) continue;
        found = true;
        const double tokens = metric(record, "tokens"), loss = metric(record, "loss");
        right = tokens == row.count("tokens") && std::abs(loss * tokens / losses[piece].number()->value() - 1) < 1e-4;
      }
      ++cases;
      failed += !found || !right;
      CHECK_MESSAGE(right, row.where(), " piece ", piece);
    }
  });
  CHECK(cases == 44);
  std::printf("perplexity: %d cases, %d failed, 0 not applicable\n", cases, failed);
}

TEST_CASE("The base does not diverge from itself, and compressed cells do") {
  const TempDir dir;
  EvalOptions options = prediction_options(dir);
  options.presses = {"knorm"};
  options.pieces.most = 1;
  for (const Record& record : predictions(options)) {
    const bool base = record.press == "none";
    CHECK(record.grade.state == "predicted");
    CHECK(record.sample.task == "story");
    CHECK((metric(record, "kl") == 0) == base);
    CHECK(metric(record, "kl") <= metric(record, "kl_99"));
    CHECK(metric(record, "kl_50") <= metric(record, "kl_95"));
    CHECK((metric(record, "same_top") == 1) == base);
    CHECK(metric(record, "tokens") == 255);
  }
}

TEST_CASE("Divergences and agreements are not treated as passes and failures") {
  const TempDir dir;
  EvalOptions options = prediction_options(dir);
  options.presses = {"knorm"};
  options.pieces = {.length = 128, .most = 3};
  const auto records = predictions(options);
  const auto cells = score_cells(kvx_tasks(), records);
  const auto metrics = cells.at(0).score.metrics;
  CHECK(metrics.at(1).name == "kl");
  CHECK(metrics[1].high == 0);  // the base's divergence from itself is exactly 0
  CHECK(metrics.at(5).name == "same_top");
  CHECK(metrics[5].low == 1);
}

TEST_CASE("Predictions have the same bytes whatever the memory, and after a run was resumed") {
  const TempDir dir;
  EvalOptions options = prediction_options(dir);
  options.pieces = {.length = 128, .most = 2};
  options.memory = std::size_t{4} << 30;
  predictions(options);
  const std::string whole = read_text_file(options.out + "/records.jsonl");
  options.out = dir.path() + "/other";
  options.presses = {"tova"};
  predictions(options);
  options.presses = prediction_options(dir).presses;
  predictions(options);
  CHECK(read_text_file(options.out + "/records.jsonl") == whole);
}

TEST_CASE("Perplexity weighs texts by their tokens, with the interval of a ratio estimate") {
  const auto text = [](double loss, double tokens) { return Grade{"predicted", {loss, 0, 0, 0, 0, 1, tokens}}; };
  const std::vector<Grade> texts = {text(2, 100), text(3, 300), text(2.5, 200)};
  const auto summaries = PerplexityTask().summaries(texts);
  REQUIRE(summaries.size() == 1);
  const double mean = (200.0 + 900 + 500) / 600;
  CHECK(summaries[0].name == "perplexity");
  CHECK(summaries[0].n == 3);
  CHECK(summaries[0].value == doctest::Approx(std::exp(mean)));
  // numpy: r = nll - mean * tokens; exp(mean +- scipy.stats.t.ppf(0.975, 2) * sqrt(n / (n - 1) * sum(r * r)) / 600)
  const double squares = std::pow(200 - 100 * mean, 2) + std::pow(900 - 300 * mean, 2) + std::pow(500 - 200 * mean, 2);
  const double half = 4.302652729749464 * std::sqrt(1.5 * squares) / 600;
  CHECK(summaries[0].low == doctest::Approx(std::exp(mean - half)));
  CHECK(summaries[0].high == doctest::Approx(std::exp(mean + half)));
  CHECK(summaries[0].contexts == 3);
  CHECK(std::isnan(PerplexityTask().summaries({}).at(0).value));
}

TEST_CASE("Texts about one context are one unit, and one unit has no interval") {
  const auto text = [](double loss, const char* context) {
    return Grade{"predicted", {loss, 0, 0, 0, 0, 1, 100}, "", {}, context};
  };
  const auto one_context = PerplexityTask().summaries(std::vector<Grade>{text(2, "a"), text(3, "a")});
  CHECK(one_context.at(0).value == doctest::Approx(std::exp(2.5)));
  CHECK(one_context[0].n == 2);
  CHECK(one_context[0].contexts == 1);
  CHECK(std::isnan(one_context[0].low));
  const auto two = PerplexityTask().summaries(std::vector<Grade>{text(2, "a"), text(3, "a"), text(2.5, "b")});
  CHECK(two.at(0).contexts == 2);
  CHECK(two[0].low == doctest::Approx(two[0].value));  // both contexts have the same mean
}

TEST_CASE("A text's tokens become a grade") {
  std::vector<double> nll, kl;
  for (int i = 0; i < 101; ++i) {
    nll.push_back(i);
    kl.push_back(100 - i);
  }
  const Grade grade = PerplexityTask::predicted(nll, kl, 50);
  CHECK(grade.metrics == std::vector<std::optional<double>>{50.0, 50.0, 50.0, 95.0, 99.0, 50.0 / 101, 101.0});
}

TEST_CASE("A loss or a divergence that is not a number is an error") {
  const std::vector<double> good = {1, 2, 3};
  for (const double bad : {std::nan(""), double{INFINITY}, double{-INFINITY}}) {
    const std::vector<double> odd = {1, bad, 3};
    CHECK(error_of([&] {
            (void)PerplexityTask::predicted(odd, good, 3);
          }).starts_with("task perplexity: negative log-likelihood of token 1: expected a finite number, found "));
    CHECK(error_of([&] {
            (void)PerplexityTask::predicted(good, odd, 3);
          }).starts_with("task perplexity: divergence of token 1: expected a finite number, found "));
  }
  const std::vector<Grade> texts = {{"predicted", {2, 0, 0, 0, 0, 1, 100}}, {"predicted", {{}, 0, 0, 0, 0, 1, 100}}};
  CHECK(error_of([&] { (void)PerplexityTask().summaries(texts); }) == "task perplexity: text 1: missing its loss");
  std::vector<Record> records(1);
  records[0].task = "perplexity";
  records[0].press = "knorm";
  records[0].grade = {"predicted", std::vector<std::optional<double>>(PerplexityTask::metrics().size(), 1)};
  (void)score_cells(kvx_tasks(), records);
  records[0].grade.metrics.front() = {};  // as in a file with a loss that was NaN
  CHECK(error_of([&] { (void)score_cells(kvx_tasks(), records); }) ==
        "record 0 of knorm: metric loss of task perplexity: expected a number, found null");
}

TEST_CASE("A text is cut into pieces of equal length, with the end token between its lines") {
  const auto tokenizer = Tokenizer::load(kvx_test::kTinyModel);
  const Token eos = eos_token(kvx_test::kTinyModel, tokenizer, ModelConfig::load(kvx_test::kTinyModel));
  CHECK(tokenizer.token_text(eos) == "<|im_end|>");
  const auto first = tokenizer.encode("one two"), second = tokenizer.encode("three");
  std::vector<Token> all = first;
  all.push_back(eos);
  all.insert(all.end(), second.begin(), second.end());
  const auto length = static_cast<Index>(all.size());
  const auto cut = [&](std::string_view text, PieceOptions options) {
    return text_pieces("t.txt", text, tokenizer, eos, options);
  };
  const auto pieces = cut("\n one two\n\n \r\nthree", {.length = 4, .prefix_ratio = 0.25});
  REQUIRE(pieces.size() == static_cast<std::size_t>(length + 1) / 4);
  const auto whole = cut("one two\n\nthree\n", {.length = length, .prefix_ratio = 0.5});
  REQUIRE(whole.size() == 1);
  std::vector<Token> joined = whole[0].prefix;
  CHECK(joined.size() == static_cast<std::size_t>(length / 2));
  joined.insert(joined.end(), whole[0].suffix.begin(), whole[0].suffix.end());
  CHECK(joined == all);
  CHECK(cut("one two\nthree\none two\nthree\none two\nthree", {.length = 4, .most = 2}).size() == 2);

  CHECK(error_of([&] { cut("one", {.length = 99}); }).starts_with("t.txt: expected at least 99 tokens, found "));
  CHECK(error_of([&] { cut("one two three", {.length = 4, .prefix_ratio = 0.9}); }) ==
        "t.txt: expected pieces of a prefix and at least two more tokens, found a prefix of 3 of 4 tokens");
}

TEST_CASE("A text that cannot be predicted is an error before the weights are loaded") {
  const TempDir dir;
  EvalOptions options = prediction_options(dir);
  const auto error = [&] { return error_of([&] { Evaluation(options, kvx_tasks(), kvx_presses()); }); };
  options.pieces.length = 1 << 20;
  CHECK(error() == "max-length: expected at most the model's 4096 positions, found 1048576");
  options.pieces.length = 512;
  options.task_data = {{"perplexity", {dir.write("short.txt", "Hello.\n")}}};
  CHECK(error().find("short.txt: expected at least 512 tokens, found ") != std::string::npos);
  CHECK(error_of([&] { (void)PerplexityTask().grade({}, "x"); }) ==
        "task perplexity: a text is predicted, there are no answers to grade");
}
