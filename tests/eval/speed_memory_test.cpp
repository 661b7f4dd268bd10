#include <kvx/eval/speed/speed_memory.hpp>

#include <doctest/doctest.h>
#include <kvx/model/model_shapes.hpp>

#include <cstddef>

#include "support/error_of.hpp"

using namespace kvx;

TEST_CASE("a benchmark takes its weights, and the largest of what it holds beside them") {
  const auto config = load_model_shape("llama-3.2-1b");
  const auto beside = [&](const SpeedOptions& options) {
    const auto tests = speed_tests(options, config, WeightFormat::int8, Dtype::bf16);
    return speed_bytes(config, WeightFormat::int8, Dtype::bf16, tests) - config.matrix_bytes(WeightFormat::int8);
  };
  const std::size_t read = std::size_t{1} << 30, row = std::size_t{16} * 8 * (2 * 64 * 2 + 4);
  CHECK(beside({.prompts = {64}, .new_tokens = {8}, .depths = {0}, .batches = {1}}) == read);
  CHECK(beside({.prompts = {100'000}, .new_tokens = {}, .depths = {}, .batches = {}}) > 100'000 * row);
  CHECK(beside({.prompts = {}, .new_tokens = {8}, .depths = {100'000}, .batches = {1}}) > 100'008 * row);
  const std::size_t logits = 128256 * sizeof(float);
  CHECK(beside({.prompts = {}, .new_tokens = {512}, .depths = {0}, .batches = {256}}) > 256 * (512 * row + logits));
}

TEST_CASE("too little memory for a benchmark is an error") {
  CHECK(error_of([] { expect_available(9'416'000'000, 9'416'000'000, "a model"); }) == "");
  CHECK(error_of([] { expect_available(9'416'000'000, 4'100'000'000, "a model"); }) ==
        "memory: expected at least 9.42 GB for a model, found 4.10 GB");
}
