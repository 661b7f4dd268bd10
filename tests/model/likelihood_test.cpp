#include <kvx/model/likelihood.hpp>

#include "support/error_of.hpp"
#include "support/tiny_random.hpp"

#include <doctest/doctest.h>
#include <kvx/model/compress.hpp>
#include <kvx/press/registry.hpp>

#include <cmath>
#include <cstddef>
#include <vector>

namespace {

using namespace kvx;
using kvx_test::random_tokens;

struct LikelihoodFixture {
  Threads threads{2};
  Qwen2 model = Qwen2::load(kvx_test::kTinyRandom, WeightFormat::f32, threads);
  std::vector<Token> context = random_tokens(60, 1), suffix = random_tokens(30, 2);

  SequenceCache cell(const char* press, double ratio) {
    return compress(model, context, Registry().parse(press), Allowance::of_ratio(ratio), Dtype::f32, threads).start;
  }
  /// ln p of every token after each token of the suffix but the last, one step at a time: [tokens - 1, vocab].
  std::vector<std::vector<double>> log_probabilities(SequenceCache sequence) {
    std::vector<std::vector<double>> rows;
    for (std::size_t t = 0; t + 1 < suffix.size(); ++t) {
      const Step step{&sequence, std::span(suffix).subspan(t, 1)};
      const Matrix<float> logits = forward(model, {&step, 1}, threads);
      double sum = 0;
      for (Index i = 0; i < logits.cols(); ++i) sum += std::exp(static_cast<double>(logits(0, i)));
      auto& row = rows.emplace_back();
      for (Index i = 0; i < logits.cols(); ++i) row.push_back(static_cast<double>(logits(0, i)) - std::log(sum));
    }
    return rows;
  }
};

std::size_t top(const std::vector<double>& row) {
  return static_cast<std::size_t>(std::max_element(row.begin(), row.end()) - row.begin());
}

TEST_CASE_FIXTURE(LikelihoodFixture, "likelihoods of a suffix are those of one step at a time, in double") {
  const std::vector<SequenceCache> cells = {cell("none", 0), cell("knorm", 0.5), cell("streaming_llm", 0.8)};
  auto sequences = cells;
  const auto likelihoods = suffix_likelihood(model, sequences, suffix, threads);
  REQUIRE(likelihoods.size() == 3);
  const auto base = log_probabilities(cells[0]);
  int others = 0;
  for (std::size_t s = 0; s < cells.size(); ++s) {
    const auto expected = log_probabilities(cells[s]);
    REQUIRE(likelihoods[s].size() == suffix.size() - 1);
    for (std::size_t t = 0; t + 1 < suffix.size(); ++t) {
      double kl = 0;
      for (std::size_t i = 0; i < base[t].size(); ++i) kl += std::exp(base[t][i]) * (base[t][i] - expected[t][i]);
      CHECK(likelihoods[s][t].nll ==
            doctest::Approx(-expected[t][static_cast<std::size_t>(suffix[t + 1])]).epsilon(1e-5));
      CHECK(std::abs(likelihoods[s][t].kl - kl) < 1e-5);
      CHECK(likelihoods[s][t].same_top == (top(base[t]) == top(expected[t])));
      others += !likelihoods[s][t].same_top;
    }
    CHECK(sequences[s].next_position == 60 + 29);
  }
  CHECK(others > 0);
  CHECK(likelihoods[2][0].kl > 1e-4);
}

TEST_CASE_FIXTURE(LikelihoodFixture, "a cell's likelihoods are the same bits alone and beside many, with any threads") {
  std::vector<SequenceCache> many(40, cell("none", 0));
  many[7] = cell("knorm", 0.5);
  std::vector<SequenceCache> one = {many[7]};
  Threads three(3);
  const auto together = suffix_likelihood(model, many, suffix, three);
  const auto alone = suffix_likelihood(model, one, suffix, threads);
  for (std::size_t t = 0; t + 1 < suffix.size(); ++t) CHECK(together[7][t].nll == alone[0][t].nll);
}

TEST_CASE_FIXTURE(LikelihoodFixture, "a suffix of one token predicts nothing, and a wrong one is refused") {
  std::vector<SequenceCache> one = {cell("none", 0)};
  CHECK(suffix_likelihood(model, one, std::span(suffix).first(1), threads).front().empty());
  CHECK(suffix_likelihood(model, {}, suffix, threads).empty());
  const std::vector<Token> wrong = {1, 512, 2};
  CHECK(error_of([&] { (void)suffix_likelihood(model, one, wrong, threads); }) ==
        "token: expected an id below 512 (config.json: vocab_size), found 512");
  CHECK(one[0].next_position == 60);
}

}  // namespace
