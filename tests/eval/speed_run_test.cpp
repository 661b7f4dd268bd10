#include <kvx/eval/speed/speed_run.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "support/tiny_random.hpp"

using namespace kvx;
using namespace kvx_test;

TEST_CASE("every speed test is timed, and progress rises to 1") {
  Threads threads(2);
  const auto model = Decoder::load(kTinyRandom, WeightFormat::bf16, threads);
  auto tests = speed_tests({.prompts = {8}, .new_tokens = {3}, .depths = {0, 5}, .batches = {1, 4}}, model.config(),
                           WeightFormat::bf16, Dtype::bf16);
  std::vector<double> shares;
  std::size_t breaks = 0;
  run_speed_tests(model, tests,
                  {.repeats = 2,
                   .on_progress = [&](double share) { shares.push_back(share); },
                   .between = [&] { breaks += shares.size() % 3 == 0 ? std::size_t{1} : std::size_t{100}; }},
                  threads);
  CHECK(breaks == tests.size() + 1);
  for (const SpeedTest& test : tests) {
    CHECK(test.path == isa());
    CHECK(test.tokens_per_second > 0);
    CHECK(std::isfinite(test.tokens_per_second));
    CHECK(test.deviation >= 0);
    CHECK(test.deviation < 2 * test.tokens_per_second);
  }
  CHECK(shares.size() == tests.size() * 3);
  CHECK(std::is_sorted(shares.begin(), shares.end()));
  CHECK(shares.back() == 1);
}

TEST_CASE("a test that runs once has no deviation") {
  Threads threads(1);
  const auto model = Decoder::load(kTinyRandom, WeightFormat::f32, threads);
  auto tests = speed_tests({.prompts = {}, .new_tokens = {1}, .depths = {0}, .batches = {1}}, model.config(),
                           WeightFormat::f32, Dtype::f32);
  run_speed_tests(model, tests, {.repeats = 1, .dtype = Dtype::f32}, threads);
  CHECK(tests.front().deviation == 0);
}

TEST_CASE("the prefix of a speed test holds a row for each of its tokens") {
  Threads threads(1);
  const auto model = Decoder::load(kTinyRandom, WeightFormat::bf16, threads);
  const ModelConfig& config = model.config();
  for (const Index count : {0, 9})
    CHECK(detail::random_prefix(model, count, Dtype::bf16, threads)->rows() == count * config.layers * config.kv_heads);
}
