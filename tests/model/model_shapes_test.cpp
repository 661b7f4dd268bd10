#include <kvx/model/model_shapes.hpp>

#include <doctest/doctest.h>

#include <map>
#include <string>
#include <string_view>

#include "support/error_of.hpp"
#include "support/temp_dir.hpp"
#include "support/tiny_architectures.hpp"

using kvx::Index;

TEST_CASE("a shape has as many parameters as the published checkpoint") {
  const std::map<std::string_view, Index> published = {
      {"llama-3.2-1b", 1'235'814'400}, {"llama-3.1-8b", 8'030'261'248}, {"qwen3-0.6b", 596'049'920},
      {"qwen3-8b", 8'190'735'360},     {"qwen2.5-0.5b", 494'032'768},   {"qwen2.5-7b", 7'615'616'512},
      {"mistral-7b", 7'248'023'552},   {"gemma3-270m", 268'098'176},    {"gemma3-1b", 999'885'952},
  };
  CHECK(published.size() == kvx::kModelShapes.size());
  for (const kvx::ModelShape& shape : kvx::kModelShapes) {
    CAPTURE(shape.name);
    CHECK(kvx::load_model_shape(std::string(shape.name)).parameters() == published.at(shape.name));
  }
}

TEST_CASE("a shape has the rotations and windows of the published configuration") {
  const auto llama = kvx::load_model_shape("llama-3.2-1b");
  CHECK(llama.rope.theta == 5e5);
  CHECK(llama.rope.factor == 32);
  CHECK(llama.max_positions == 131072);
  const auto gemma = kvx::load_model_shape("gemma3-270m");
  CHECK(gemma.windows() == 15);
  CHECK(gemma.window(0) == 512);
  CHECK(gemma.window(17) == 0);
  CHECK(kvx::load_model_shape("mistral-7b").windows() == 0);
}

TEST_CASE("a shape can be a directory that has only a config.json") {
  const TempDir dir;
  CHECK(error_of([&] { kvx::load_model_shape(dir.path()); }).starts_with(dir.path() + "/config.json: "));
  dir.write("config.json", kvx_test::tiny_config("llama"));
  CHECK(kvx::load_model_shape(dir.path()).hidden_size == 40);
  CHECK(error_of([] { kvx::load_model_shape("llama-3"); }) ==
        "shape llama-3: expected a directory with a config.json, or one of " + kvx::model_shape_names() +
            ", found neither");
}
