#include <kvx/model/sampler.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <cstddef>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include "support/error_of.hpp"

using kvx::Sampler;
using kvx::SamplerOptions;
using kvx::Token;

namespace {
constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// Logits with the given probabilities.
std::vector<float> logits_of(const std::vector<double>& probabilities) {
  std::vector<float> logits;
  for (const double p : probabilities) logits.push_back(static_cast<float>(std::log(p)));
  return logits;
}

std::vector<Token> draw(const SamplerOptions& options, const std::vector<float>& logits, int count) {
  Sampler sampler(options);
  std::vector<Token> tokens;
  for (int i = 0; i < count; ++i) tokens.push_back(sampler(logits));
  return tokens;
}

std::set<Token> candidates(const SamplerOptions& options, const std::vector<float>& logits) {
  const auto tokens = draw(options, logits, 5000);
  return {tokens.begin(), tokens.end()};
}

const std::vector<float> kLogits = logits_of({0.1, 0.4, 0.2, 0.3});
}  // namespace

TEST_CASE("at temperature 0 the most likely token is taken, and of equal ones that with the lower id") {
  CHECK(Sampler({})(kLogits) == 1);
  CHECK(Sampler({.top_k = 2, .top_p = 0.1, .seed = 5})(std::vector<float>{1, 3, 2, 3}) == 1);
}

TEST_CASE("a low temperature approaches greedy sampling, and at temperature 1 every token is drawn") {
  CHECK(candidates({.temperature = 0.001}, kLogits) == std::set<Token>{1});
  CHECK(candidates({.temperature = 1e-300}, kLogits) == std::set<Token>{1});
  CHECK(candidates({.temperature = 1}, kLogits) == std::set<Token>{0, 1, 2, 3});
}

TEST_CASE("top-k keeps the k most likely tokens, and of equal ones those with lower ids") {
  CHECK(candidates({.temperature = 1, .top_k = 1}, kLogits) == std::set<Token>{1});
  CHECK(candidates({.temperature = 1, .top_k = 2}, kLogits) == std::set<Token>{1, 3});
  CHECK(candidates({.temperature = 1, .top_k = 99}, kLogits) == std::set<Token>{0, 1, 2, 3});
  CHECK(candidates({.temperature = 1, .top_k = 2}, {0, 1, 1, 1}) == std::set<Token>{1, 2});
}

TEST_CASE("top-p keeps the fewest tokens whose probabilities reach it") {
  CHECK(candidates({.temperature = 1, .top_p = 0.01}, kLogits) == std::set<Token>{1});
  CHECK(candidates({.temperature = 1, .top_p = 0.39}, kLogits) == std::set<Token>{1});
  CHECK(candidates({.temperature = 1, .top_p = 0.41}, kLogits) == std::set<Token>{1, 3});
  CHECK(candidates({.temperature = 1, .top_p = 0.69}, kLogits) == std::set<Token>{1, 3});
  CHECK(candidates({.temperature = 1, .top_p = 0.71}, kLogits) == std::set<Token>{1, 2, 3});
}

TEST_CASE("top-p is applied to the probabilities after temperature and top-k") {
  CHECK(candidates({.temperature = 100, .top_p = 0.45}, kLogits) == std::set<Token>{1, 3});
  CHECK(candidates({.temperature = 1, .top_k = 2, .top_p = 0.55}, kLogits) ==
        std::set<Token>{1});  // 4/7 of the remaining probability
}

TEST_CASE("the same seed gives the same tokens, and another seed gives others") {
  const SamplerOptions options{.temperature = 1, .seed = 42};
  CHECK(draw(options, kLogits, 100) == draw(options, kLogits, 100));
  CHECK(draw(options, kLogits, 100) != draw({.temperature = 1, .seed = 43}, kLogits, 100));
}

TEST_CASE("tokens are drawn with the probabilities of the softmax") {
  constexpr int kDraws = 100'000;
  for (const double temperature : {1.0, 0.5}) {
    std::vector<double> expected = {0.1, 0.4, 0.2, 0.3}, found(4);
    double sum = 0;
    for (double& p : expected) sum += p = std::pow(p, 1 / temperature);
    for (const Token token : draw({.temperature = temperature}, kLogits, kDraws))
      found[static_cast<std::size_t>(token)] += 1.0 / kDraws;
    for (std::size_t i = 0; i < 4; ++i)
      CHECK(std::abs(found[i] - expected[i] / sum) < 0.008);  // five standard deviations
  }
}

TEST_CASE("a token with probability 0 is never drawn") {
  CHECK(candidates({.temperature = 1}, {0, -kInfinity, 0, -1e30f}) == std::set<Token>{0, 2});
}

TEST_CASE("logits without a valid distribution are an error") {
  const auto refused = [](double temperature, const std::vector<float>& logits) {
    return error_of([&] { (void)Sampler({.temperature = temperature})(logits); });
  };
  for (const double temperature : {0.0, 1.0}) {
    std::vector<float> logits(1000, 1.0f);
    for (const std::size_t place : {0u, 500u, 999u}) {
      logits[place] = std::numeric_limits<float>::quiet_NaN();
      CHECK(refused(temperature, logits)
                .starts_with("logits: token " + std::to_string(place) + ": expected a finite number, found "));
      logits[place] = kInfinity;
      CHECK(refused(temperature, logits) ==
            "logits: token " + std::to_string(place) + ": expected a finite number, found inf");
      logits[place] = -kInfinity;  // excludes the token
      CHECK(refused(temperature, logits) == "");
    }
    CHECK(refused(temperature, std::vector<float>(100, -kInfinity)) ==
          "logits: token 0: expected a finite number, found -inf");
  }
}

TEST_CASE("an option out of its range is an error") {
  const auto refused = [](const SamplerOptions& options) { return error_of([&] { Sampler sampler(options); }); };
  CHECK(refused({.temperature = -1}) == "temperature: expected 0 or more, found -1.000000");
  CHECK(refused({.temperature = INFINITY}) == "temperature: expected 0 or more, found inf");
  CHECK(refused({.temperature = NAN}).starts_with("temperature: expected 0 or more, found "));
  CHECK(refused({.top_k = -1}) == "top-k: expected 0 or more, found -1");
  CHECK(refused({.top_p = 0}) == "top-p: expected 0 < top-p <= 1, found 0.000000");
  CHECK(refused({.top_p = 1.5}) == "top-p: expected 0 < top-p <= 1, found 1.500000");
  CHECK(refused({.top_p = NAN}).starts_with("top-p: expected 0 < top-p <= 1, found "));
  CHECK(refused({.temperature = 1, .top_k = 1, .top_p = 1}) == "");
}
