#include <kvx/eval/run/grid_batch.hpp>

#include <doctest/doctest.h>
#include <kvx/core/split_mix.hpp>
#include <kvx/model/generate.hpp>
#include <kvx/press/named/registry.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <limits>
#include <map>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "support/error_of.hpp"
#include "support/exact_softmax.hpp"
#include "support/temp_dir.hpp"
#include "support/tiny_random.hpp"

using namespace kvx;

namespace {

constexpr std::size_t kMuch = std::numeric_limits<std::size_t>::max() / 2;

using Place = std::pair<std::size_t, std::size_t>;  // cell, question
using Answers = std::map<Place, std::vector<Token>>;

/// A context with four cells, two of which have the same size, and four questions of different lengths.
struct Grid {
  Threads threads;
  Decoder model;
  ScoredContext scored;
  std::vector<Question> questions = {{kvx_test::random_tokens(5, 11), 9},
                                     {kvx_test::random_tokens(1, 12), 2},
                                     {kvx_test::random_tokens(17, 13), 1},
                                     {kvx_test::random_tokens(8, 14), 6}};
  std::vector<GridJob> jobs = {};
  std::vector<Place> finished = {};
  double seconds = 0;

  explicit Grid(const std::string& dir = kvx_test::kTinyRandom, Dtype dtype = Dtype::f32, std::size_t context = 50)
      : threads(1),
        model(Decoder::load(dir, parse_weight_format(name_of(dtype)), threads)),
        scored(model, kvx_test::random_tokens(context, 10), cells(), dtype, threads) {
    for (std::size_t c = 0; c < cells().size(); ++c)
      for (std::size_t q = 0; q < questions.size(); ++q) jobs.push_back({c, q});
  }

  static std::vector<Cell> cells() {
    const Registry registry = kvx_presses();
    return {{registry.parse("none"), Allowance::of_ratio(0)},
            {registry.parse("knorm"), Allowance::of_ratio(0.5)},
            {registry.parse("random"), Allowance::of_ratio(0.5)},
            {registry.parse("streaming_llm"), Allowance::of_tokens(6)}};
  }

  /// The answer that generate() gives to one job.
  std::vector<Token> generated(const GridJob& job) {
    SequenceCache sequence = scored.start(job.cell);
    const Question& question = questions[job.question];
    const Step step{&sequence, question.tokens};
    Sampler greedy({});
    return generate(model, sequence, forward(model, {&step, 1}, threads), greedy, question.max_new_tokens, threads,
                    [](Token) {});
  }
  Answers expected() {
    Answers all;
    for (const GridJob& job : jobs) all[{job.cell, job.question}] = generated(job);
    return all;
  }

  /// Answers some of the jobs. Sets `finished` to the order in which the answers came, and `seconds` to the sum of
  /// their times.
  Answers answer(const std::vector<GridJob>& some_jobs, const BatchLimits& limits, Threads& workers) {
    Answers all;
    finished.clear();
    seconds = 0;
    GridBatch batch(model, limits, workers);
    batch.add({scored, questions, some_jobs, [&](const GridJob& job, const GridAnswer& given) {
                 finished.emplace_back(job.cell, job.question);
                 all[finished.back()].assign(given.tokens.begin(), given.tokens.end());
                 seconds += given.seconds;
                 CHECK(given.seconds > 0);
               }});
    batch.finish();
    return all;
  }
  Answers answer(const BatchLimits& limits) { return answer(jobs, limits, threads); }

  /// The smallest memory in which all jobs are answered, as the error states it.
  std::size_t least_memory() {
    const std::string head = "memory: expected at least ";
    for (std::size_t bytes = 0;;) {
      const std::string error = error_of([&] { answer({64, bytes, false}); });
      if (error.empty()) return bytes;
      REQUIRE(error.starts_with(head));
      CHECK(error.ends_with(" bytes for one cell with one question, found " + std::to_string(bytes)));
      const std::size_t named = std::stoull(error.substr(head.size()));
      REQUIRE(named > bytes);
      bytes = named;
    }
  }
};

/// tiny-random with another config.json.
std::string model_with(const TempDir& dir, const std::string& from, const std::string& to) {
  dir.write("config.json", kvx_test::config_with(from, to));
  std::filesystem::copy(kvx_test::kTinyRandom + "/model.safetensors", dir.path());
  return dir.path();
}

}  // namespace

TEST_CASE(
    "An answer equals that of generate(), whatever the batch, the threads, the memory and the order of the jobs") {
  for (const Dtype dtype : {Dtype::f32, Dtype::bf16}) {
    Grid grid(kvx_test::kTinyRandom, dtype);
    const Answers expected = grid.expected();
    CHECK(expected.at({0, 0}) != expected.at({1, 0}));  // the cells do differ
    const auto check = [&](const Answers& answers) {
      CHECK(answers == expected);
      CHECK(grid.finished.size() == grid.jobs.size());  // each once
    };
    for (const GridJob& job : grid.jobs) {
      const Place place{job.cell, job.question};
      CHECK(grid.answer({job}, {1, kMuch}, grid.threads) == Answers{{place, expected.at(place)}});
    }
    check(grid.answer({64, kMuch}));
    for (const Index sequences : {1, 3, 5}) check(grid.answer({sequences, kMuch}));
    for (const std::size_t extra : {0u, 2000u, 20'000u}) check(grid.answer({64, grid.least_memory() + extra, false}));
    for (int count = 2; count <= 4; ++count) {
      Threads threads(count);
      check(grid.answer(grid.jobs, {64, kMuch}, threads));
      check(grid.answer(grid.jobs, {3, kMuch}, threads));
    }
    SplitMix64 random(15);
    for (int shuffle = 0; shuffle < 3; ++shuffle) {
      auto jobs = grid.jobs;
      for (std::size_t i = jobs.size(); i > 1; --i) std::swap(jobs[i - 1], jobs[random.next() % i]);
      check(grid.answer(jobs, {7, kMuch}, grid.threads));
    }
  }
}

TEST_CASE("A batch is as large as its limits allow, and no larger") {
  Grid grid(kvx_test::kTinyRandom, Dtype::f32, 100);  // so that a cell is larger than the 32 rows of a short tail
  grid.jobs = {{1, 0}, {1, 1}, {2, 0}, {2, 1}};       // long and short answers from cells of the same size
  const std::vector<Place> one_by_one = {{1, 0}, {1, 1}, {2, 0}, {2, 1}}, together = {{1, 1}, {2, 1}, {1, 0}, {2, 0}};
  grid.answer({64, kMuch});
  CHECK(grid.finished == together);
  grid.answer({4, kMuch});
  CHECK(grid.finished == together);
  grid.answer({1, kMuch});
  CHECK(grid.finished == one_by_one);
  grid.answer({2, kMuch});
  CHECK(grid.finished == std::vector<Place>{{1, 1}, {1, 0}, {2, 0}, {2, 1}});  // {2, 0} enters after {1, 1}

  const std::size_t least = grid.least_memory();
  grid.answer({64, least, false});
  CHECK(grid.finished == one_by_one);
  grid.answer({64, 4 * least, false});
  CHECK(grid.finished == together);
  // Room for the second question next to the first, but not for the second cell.
  grid.answer({64, least + grid.scored.bytes(2) - 1, false});
  CHECK(grid.finished == std::vector<Place>{{1, 1}, {1, 0}, {2, 1}, {2, 0}});
}

TEST_CASE("Contexts share one batch, and their answers are the same as in batches of their own") {
  Grid grid, other(kvx_test::kTinyRandom, Dtype::f32, 40);
  const Answers expected = grid.expected(), others = other.expected();
  REQUIRE(expected.at({1, 0}) != others.at({1, 0}));
  const std::size_t least = std::max(grid.least_memory(), other.least_memory());
  for (const bool draft : {false, true})
    for (const Index sequences : {1, 5, 64})
      for (const std::size_t bytes : {2 * least, kMuch}) {
        std::map<int, Answers> found;
        std::vector<int> order;
        GridBatch batch(grid.model, {sequences, bytes, draft}, grid.threads);
        for (const int which : {0, 1, 2}) {
          const Grid& source = which == 1 ? other : grid;
          batch.make_room(source.scored.context_bytes());
          batch.add({source.scored, source.questions, source.jobs,
                     [&found, &order, which](const GridJob& job, const GridAnswer& given) {
                       found[which][{job.cell, job.question}].assign(given.tokens.begin(), given.tokens.end());
                       order.push_back(which);
                     }});
        }
        batch.finish();
        CHECK(found[0] == expected);
        CHECK(found[1] == others);
        CHECK(found[2] == expected);
        CHECK(order.size() == 3 * grid.jobs.size());
        if (sequences == 1) CHECK(std::is_sorted(order.begin(), order.end()));
        if (sequences == 5 && bytes == kMuch && !draft) CHECK_FALSE(std::is_sorted(order.begin(), order.end()));
      }
}

TEST_CASE("Each attempt is sampled with its own seed, and does not depend on the batch") {
  Grid grid;
  for (Question& question : grid.questions) question.sampler = {.temperature = 1, .seed = 5};
  grid.jobs.clear();
  for (std::size_t attempt = 0; attempt < 6; ++attempt) grid.jobs.push_back({1, 0, attempt});
  const auto drawn = [&](Index sequences, int count) {
    std::map<std::size_t, std::vector<Token>> answers;
    Threads threads(count);
    GridBatch batch(grid.model, {sequences, kMuch}, threads);
    batch.add({grid.scored, grid.questions, grid.jobs, [&](const GridJob& job, const GridAnswer& given) {
                 answers[job.attempt].assign(given.tokens.begin(), given.tokens.end());
               }});
    batch.finish();
    return answers;
  };
  const auto together = drawn(64, 1);
  CHECK(together == drawn(1, 2));
  CHECK(together == drawn(64, 3));
  std::set<std::vector<Token>> different;
  for (const auto& [attempt, tokens] : together) different.insert(tokens);
  CHECK(different.size() >= 4);
  Sampler second({.temperature = 1, .seed = 6});
  SequenceCache sequence = grid.scored.start(1);
  const Step step{&sequence, grid.questions[0].tokens};
  CHECK(together.at(1) == generate(grid.model, sequence, forward(grid.model, {&step, 1}, grid.threads), second,
                                   grid.questions[0].max_new_tokens, grid.threads, [](Token) {}));
}

TEST_CASE(
    "Entropies are those of the distribution that each token was chosen from, whatever the batch and its drafts") {
  Grid grid;
  using Entropies = std::map<std::pair<std::size_t, std::size_t>, std::vector<double>>;
  const auto batch_entropies = [&](const BatchLimits& limits) {
    Entropies all;
    GridBatch batch(grid.model, limits, grid.threads);
    batch.add({grid.scored, grid.questions, grid.jobs, [&](const GridJob& job, const GridAnswer& given) {
                 CHECK(given.entropy.size() == (limits.entropy ? given.tokens.size() : 0));
                 all[{job.cell, job.question}].assign(given.entropy.begin(), given.entropy.end());
               }});
    batch.finish();
    return all;
  };
  const Entropies together = batch_entropies({64, kMuch, false, true});
  CHECK(together == batch_entropies({3, kMuch, false, true}));
  CHECK(together == batch_entropies({64, kMuch, true, true}));
  batch_entropies({64, kMuch});
  SequenceCache sequence = grid.scored.start(1);
  const Step step{&sequence, grid.questions[0].tokens};
  const auto logits = forward(grid.model, {&step, 1}, grid.threads);
  const Eigen::ArrayXd scores = logits.row(0).transpose().cast<double>();
  const kvx_test::ExactSoftmax exact(scores);
  const double units = exact.log_total_units + (exact.weights * scores.abs() * exact.units).sum();
  CHECK(std::abs(together.at({1, 0}).front() - (exact.log_total - (exact.weights * scores).sum())) <=
        kvx_test::rounding_error(units, 1));
}

TEST_CASE("The seconds of all answers add up to no more than those of the batch") {
  Grid grid;
  const auto start = std::chrono::steady_clock::now();
  grid.answer({5, kMuch});
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  CHECK(grid.seconds <= took.count());
}

TEST_CASE("Too little memory for one cell with one question is an error") {
  Grid grid;
  for (const GridJob& job : {GridJob{0, 2}, GridJob{3, 0}}) {
    grid.jobs = {job};
    const std::size_t least = grid.least_memory();
    const auto rows =
        static_cast<Index>(grid.questions[job.question].tokens.size()) + grid.questions[job.question].max_new_tokens;
    const CacheShape& shape = grid.scored.shape();
    const std::size_t caches = grid.scored.context_bytes() + grid.scored.bytes(job.cell);
    CHECK(least >= caches + static_cast<std::size_t>(rows * shape.layers * shape.kv_heads) * shape.row_bytes());
    CHECK(least < caches + 100'000);
    CHECK(error_of([&] {
            grid.answer({64, least - 1, false});
          }) == "memory: expected at least " + std::to_string(least) + " bytes for one cell with one question, found " +
                    std::to_string(least - 1));
    CHECK(grid.finished.empty());
  }
}

TEST_CASE("An answer ends with the model's stop token") {
  Grid without_stop;
  const auto whole = without_stop.expected();
  const Token stop = whole.at({1, 0})[3];
  const TempDir dir;
  Grid grid(model_with(dir, "\"use_sliding_window\"",
                       "\"eos_token_id\": " + std::to_string(stop) + ", \"use_sliding_window\""));
  const auto answers = grid.answer({64, kMuch});
  CHECK(answers == grid.expected());
  for (const auto& [place, tokens] : whole) {
    const auto end = std::find(tokens.begin(), tokens.end(), stop);
    CHECK(answers.at(place) == std::vector<Token>(tokens.begin(), end == tokens.end() ? end : end + 1));
  }
  CHECK(answers.at({1, 0}).size() <= 4);
}

TEST_CASE("An answer ends at the model's last position and does not stop other answers") {
  const TempDir dir;
  Grid grid(model_with(dir, "\"max_position_embeddings\": 4096", "\"max_position_embeddings\": 60"));
  grid.questions.erase(grid.questions.begin() + 2);  // it needs 67 positions with its context
  std::erase_if(grid.jobs, [](const GridJob& job) { return job.question == 3; });
  const auto expected = grid.expected();
  CHECK(expected.at({0, 0}).size() == 6);  // after 50 + 5 positions: five more, and the token after the last of them
  CHECK(expected.at({0, 1}).size() == 2);
  CHECK(grid.answer({64, kMuch}) == expected);
}

TEST_CASE("If a press cannot serve a job while answering, the job ends as not applicable, and others are answered") {
  Grid grid;
  const Registry registry = kvx_presses();
  const std::vector<Cell> cells = {
      {registry.parse("none"), Allowance::of_ratio(0)},
      {registry.parse("decoding(snapkv(window=16), interval=16, ratio=0.9)"), Allowance::of_ratio(0)},
      {registry.parse("decoding(protect(knorm, span=system), interval=2, target=9)"), Allowance::of_ratio(0)}};
  const ScoredContext scored(grid.model, kvx_test::random_tokens(60, 10), cells, Dtype::f32, grid.threads);
  const std::vector<Question> questions = {{kvx_test::random_tokens(5, 11), 20}, {kvx_test::random_tokens(7, 12), 20}};
  std::vector<GridJob> jobs;
  for (std::size_t c = 0; c < cells.size(); ++c)
    for (std::size_t q = 0; q < questions.size(); ++q) jobs.push_back({c, q});
  for (const bool draft : {false, true})
    for (const Index sequences : {1, 3, 64}) {
      std::map<Place, std::string> failures;
      std::map<Place, std::size_t> tokens;
      GridBatch batch(grid.model, {sequences, kMuch, draft}, grid.threads);
      batch.add({scored, questions, jobs, [&](const GridJob& job, const GridAnswer& given) {
                   failures[{job.cell, job.question}] = given.failure == nullptr ? "" : given.failure->what();
                   tokens[{job.cell, job.question}] = given.tokens.size();
                 }});
      batch.finish();
      CHECK(failures.size() == jobs.size());
      for (std::size_t q = 0; q < 2; ++q) {
        CHECK(failures.at({0, q}).empty());
        CHECK(failures.at({2, q}) == "protect: a prompt without a span system");
      }
      CHECK(failures.at({1, 0}).empty());
      CHECK(tokens.at({1, 0}) == tokens.at({0, 0}));
      CHECK(failures.at({1, 1}) == "decoding: a step of 7 tokens has fewer than 16 queries for snapkv(window=16)");
      CHECK(batch.empty());
    }
}
