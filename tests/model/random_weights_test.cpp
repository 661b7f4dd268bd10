#include <kvx/model/random_weights.hpp>

#include <doctest/doctest.h>
#include <kvx/model/compress.hpp>
#include <kvx/press/none.hpp>

#include <cmath>
#include <cstddef>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "support/tiny_architectures.hpp"
#include "support/tiny_random.hpp"

namespace {

using namespace kvx;

ModelConfig tiny_random_shape(std::string_view model_type) {
  return ModelConfig::parse(JsonDocument::parse(kvx_test::tiny_config(model_type), "config.json").root());
}

Matrix<float> unpacked(const PackedMatrix& packed) {
  Matrix<float> matrix(packed.out(), packed.in());
  for (Index r = 0; r < matrix.rows(); ++r) packed.row(r, matrix.row(r).data());
  return matrix;
}

std::vector<const PackedMatrix*> matrices_of(const Weights& weights) {
  std::vector<const PackedMatrix*> matrices = {&weights.embedding, &weights.output};
  for (const LayerWeights& w : weights.layers)
    for (const PackedMatrix* const matrix : {&w.qkv, &w.output, &w.gate_up, &w.down}) matrices.push_back(matrix);
  return matrices;
}

/// The sizes of all matrices and vectors, except for biases of keys, which are part of other vectors.
std::vector<std::pair<Index, Index>> sizes_of(const Weights& weights) {
  std::vector<std::pair<Index, Index>> sizes;
  for (const PackedMatrix* const matrix : matrices_of(weights)) sizes.emplace_back(matrix->out(), matrix->in());
  const auto add = [&](const std::vector<float>& vector) { sizes.emplace_back(std::ssize(vector), 0); };
  add(weights.norm);
  for (const LayerWeights& w : weights.layers)
    for (const auto* const vector : {&w.input_norm, &w.mlp_norm, &w.attended_norm, &w.mlp_output_norm, &w.query_norm,
                                     &w.key_norm, &w.qkv_bias, &w.output_bias, &w.gate_up_bias, &w.down_bias})
      add(*vector);
  return sizes;
}

}  // namespace

TEST_CASE("random weights have the sizes of those in a model's file") {
  Threads threads(2);
  for (const Architecture& architecture : kArchitectures) {
    CAPTURE(architecture.model_type);
    const kvx_test::TinyArchitecture tiny(architecture.model_type);
    const auto config = ModelConfig::load(tiny.path());
    const auto loaded = load_weights(tiny.path(), config, WeightFormat::bf16, threads);
    CHECK(sizes_of(random_weights(config, WeightFormat::bf16, threads)) == sizes_of(loaded));
  }
}

TEST_CASE("random weights do not depend on threads, and on the format only by its rounding") {
  Threads one(1), three(3);
  const auto config = tiny_random_shape("qwen2");
  const Weights f32 = random_weights(config, WeightFormat::f32, one),
                again = random_weights(config, WeightFormat::f32, three),
                bf16 = random_weights(config, WeightFormat::bf16, three),
                int8 = random_weights(config, WeightFormat::int8, one);
  std::set<std::vector<float>> rows;
  for (std::size_t m = 0; m < matrices_of(f32).size(); ++m) {
    const auto matrix = unpacked(*matrices_of(f32)[m]);
    CHECK(matrix == unpacked(*matrices_of(again)[m]));
    CHECK(matrix == unpacked(*matrices_of(bf16)[m]));
    const float largest = matrix.cwiseAbs().maxCoeff();
    CHECK((matrix - unpacked(*matrices_of(int8)[m])).cwiseAbs().maxCoeff() < largest / 200);
    for (const Index r : {0, 1}) rows.emplace(matrix.row(r).begin(), matrix.row(r).end());
  }
  CHECK(rows.size() == 2 * matrices_of(f32).size());  // neither matrices nor rows repeat
}

TEST_CASE("random weights have a mean of 0 and a variance of 1 / inputs") {
  Threads threads(2);
  const auto matrix = unpacked(random_weights(tiny_random_shape("llama"), WeightFormat::f32, threads).embedding);
  const auto count = static_cast<float>(matrix.size()), inputs = static_cast<float>(matrix.cols());
  CHECK(std::abs(matrix.sum()) < 4 * std::sqrt(count / inputs));  // four standard deviations
  CHECK(matrix.squaredNorm() * inputs / count == doctest::Approx(1).epsilon(0.06));
}

TEST_CASE("a decoder with random weights gives finite logits of about unit variance") {
  Threads threads(2);
  for (const Architecture& architecture : kArchitectures)
    for (const WeightFormat format : {WeightFormat::f32, WeightFormat::bf16, WeightFormat::int8}) {
      CAPTURE(architecture.model_type);
      const auto model = Decoder::random("random", tiny_random_shape(architecture.model_type), format, threads);
      const auto tokens = kvx_test::random_tokens(50, 1, model.config().vocab_size);
      const auto logits =
          compress(model, tokens, AnyPolicy(None()), Allowance::of_ratio(0), Dtype::bf16, threads).logits;
      const float variance = logits.squaredNorm() / static_cast<float>(logits.size());
      CHECK(variance > 0.3f);
      CHECK(variance < 3.0f);
    }
}
