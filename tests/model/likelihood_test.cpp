#include <kvx/model/likelihood.hpp>

#include "support/error_of.hpp"
#include "support/exact_softmax.hpp"
#include "support/tiny_random.hpp"

#include <doctest/doctest.h>
#include <kvx/model/compress.hpp>
#include <kvx/press/named/registry.hpp>

#include <cmath>
#include <cstddef>
#include <vector>

namespace {

using namespace kvx;
using kvx_test::ExactSoftmax;
using kvx_test::random_tokens;
using kvx_test::rounding_error;

struct LikelihoodFixture {
  Threads threads{2};
  Decoder model = Decoder::load(kvx_test::kTinyRandom, WeightFormat::f32, threads);
  std::vector<Token> context = random_tokens(60, 1), suffix = random_tokens(30, 2);

  SequenceCache cell(const char* press, double ratio) {
    return compress(model, context, kvx_presses().parse(press), Allowance::of_ratio(ratio), Dtype::f32, threads).start;
  }
  /// The logits after each token of the suffix except the last, computed one step at a time.
  std::vector<Eigen::ArrayXd> logits_of(SequenceCache sequence) {
    std::vector<Eigen::ArrayXd> rows;
    for (std::size_t t = 0; t + 1 < suffix.size(); ++t) {
      const Step step{&sequence, std::span(suffix).subspan(t, 1)};
      rows.push_back(forward(model, {&step, 1}, threads).row(0).transpose().cast<double>());
    }
    return rows;
  }
};

Index top(const Eigen::ArrayXd& logits) {
  Index best;
  logits.maxCoeff(&best);
  return best;
}

TEST_CASE_FIXTURE(LikelihoodFixture, "likelihoods of a suffix equal those computed one step at a time, in double") {
  const std::vector<SequenceCache> cells = {cell("none", 0), cell("knorm", 0.5), cell("streaming_llm", 0.8)};
  auto sequences = cells;
  const auto likelihoods = suffix_likelihood(model, sequences, suffix, threads);
  REQUIRE(likelihoods.size() == 3);
  // The logits have the same bits. Their softmax and the differences between the logits of two cells are rounded.
  const auto base = logits_of(cells[0]);
  int different_tops = 0;
  for (std::size_t s = 0; s < cells.size(); ++s) {
    const auto logits = logits_of(cells[s]);
    REQUIRE(likelihoods[s].size() == suffix.size() - 1);
    for (std::size_t t = 0; t + 1 < suffix.size(); ++t) {
      const ExactSoftmax p(base[t]), q(logits[t]);
      const Eigen::ArrayXd change = base[t] - logits[t];
      const double kl = (p.weights * change).sum() - p.log_total + q.log_total,
                   kl_units = (p.weights * change.abs() * (p.units + 1)).sum() + p.log_total_units + q.log_total_units;
      CHECK(std::abs(likelihoods[s][t].nll - (q.log_total - logits[t][suffix[t + 1]])) <=
            rounding_error(q.log_total_units, 1));
      CHECK(std::abs(likelihoods[s][t].kl - kl) <= rounding_error(kl_units, 1));
      CHECK(likelihoods[s][t].same_top == (top(base[t]) == top(logits[t])));
      different_tops += !likelihoods[s][t].same_top;
    }
    CHECK(sequences[s].next_position == 60 + 29);
  }
  CHECK(different_tops > 0);
  CHECK(likelihoods[2][0].kl > 1e-4);  // far more than rounding errors
}

TEST_CASE_FIXTURE(LikelihoodFixture, "likelihoods have the same bits in any batch and with any number of threads") {
  std::vector<SequenceCache> many(40, cell("none", 0));
  many[7] = cell("knorm", 0.5);
  std::vector<SequenceCache> one = {many[7]};
  Threads three(3);
  const auto batch = suffix_likelihood(model, many, suffix, three);
  const auto single = suffix_likelihood(model, one, suffix, threads);
  for (std::size_t t = 0; t + 1 < suffix.size(); ++t) CHECK(batch[7][t].nll == single[0][t].nll);
}

TEST_CASE_FIXTURE(LikelihoodFixture, "a suffix of one token has no likelihoods, and invalid tokens are refused") {
  std::vector<SequenceCache> one = {cell("none", 0)};
  CHECK(suffix_likelihood(model, one, std::span(suffix).first(1), threads).front().empty());
  CHECK(suffix_likelihood(model, {}, suffix, threads).empty());
  const std::vector<Token> wrong = {1, 512, 2};
  CHECK(error_of([&] { (void)suffix_likelihood(model, one, wrong, threads); }) ==
        "token: expected an id below 512 (config.json: vocab_size), found 512");
  CHECK(one[0].next_position == 60);
}

}  // namespace
