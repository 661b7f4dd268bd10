#include <kvx/model/calibrate.hpp>

#include "support/error_of.hpp"
#include "support/golden.hpp"
#include "support/rounding.hpp"
#include "support/tiny_random.hpp"

#include <doctest/doctest.h>
#include <kvx/io/json/json.hpp>
#include <kvx/io/safetensors.hpp>
#include <kvx/io/tensor.hpp>

#include <Eigen/SVD>

#include <cmath>
#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace {

using namespace kvx;

Calibration run(const Decoder& model, const std::vector<std::vector<Token>>& texts, Index positions, Threads& threads,
                const std::function<void(double)>& on_progress = {}) {
  const std::vector<std::span<const Token>> spans(texts.begin(), texts.end());
  return calibrate(model, spans, positions, threads, on_progress);
}

}  // namespace

TEST_CASE("Head scores equal kvpress's") {
  kvx_test::Tally tally{"golden head scores"};
  Threads threads(2);
  for (const auto& folder : kvx_test::golden_folders()) {
    const auto manifest = JsonDocument::load(folder + "/manifest.json");
    const JsonValue e2e = manifest.root().at("e2e");
    const auto golden = Safetensors::open(folder + "/" + std::string(e2e.at("file").string()));
    const auto model = Decoder::load(folder + "/" + std::string(e2e.at("model").string()), WeightFormat::f32, threads);
    std::vector<std::vector<Token>> texts;
    e2e.at("duo").at("samples").each_element(
        [&](const JsonValue& sample) { texts.push_back(kvx_test::tokens(sample)); });
    const auto found = run(model, texts, e2e.at("duo").at("q_len").integer(), threads).head_scores;
    const auto expected = to_floats(golden.at("duo/head_scores"));
    REQUIRE(golden.at("duo/head_scores").shape == std::vector<Index>{found.rows(), found.cols()});
    // kvpress computes these sums of attention and their mean in float.
    const double error = kvx_test::rounding_error(2 * e2e.at("duo").at("q_len").number(), 1);
    for (std::size_t i = 0; i < expected.size(); ++i) {
      CAPTURE(i);
      CHECK(tally.count(std::abs(double{found.data()[i]} - double{expected[i]}) <= error));
    }
  }
}

TEST_CASE("A head that attends to the first position scores 1, and one that attends to all equally about 0.5") {
  const std::vector<float> inv_freq = {0.1f};
  const std::vector<Position> positions = {0, 1, 2, 3, 4};
  const RopeTable rope(inv_freq, positions);
  Matrix<float> queries(1, 2), key(1, 2);
  queries << 1, 0;
  key << 0, 0;
  CHECK(detail::head_score(queries, key, rope, 5, 0.5f) == doctest::Approx((5 + 4 + 3 + 2 + 1) / 25.0));
  // The angle between query and key grows with the distance, and minus its cosine grows with it.
  key << -1e6f, 0;
  CHECK(detail::head_score(queries, key, rope, 5, 0.5f) == doctest::Approx(1));
  key << 1e6f, 0;
  CHECK(detail::head_score(queries, key, rope, 5, 0.5f) == doctest::Approx(0.2));
  queries = Matrix<float>::Zero(2, 2);
  queries(0, 0) = 1;
  CHECK(detail::head_score(queries, key, rope, 5, 0.5f) == doctest::Approx((0.2 + 0.6) / 2));
}

TEST_CASE("Filters are the mean of their query heads' singular vectors, pointing away from the mean query") {
  Threads threads(2);
  const auto model = Decoder::load(kvx_test::kTinyRandom, WeightFormat::f32, threads);
  const std::vector<std::vector<Token>> texts = {kvx_test::random_tokens(70, 1), kvx_test::random_tokens(40, 2)};
  const auto filters = run(model, texts, 50, threads).filters;
  const ModelConfig& config = model.config();
  REQUIRE(filters.rows() == config.layers * config.kv_heads);
  REQUIRE(filters.cols() == config.head_dim);

  Matrix<double> expected = Matrix<double>::Zero(filters.rows(), filters.cols());
  std::vector<Matrix<double>> queries(static_cast<std::size_t>(config.layers * config.heads),
                                      Matrix<double>(110, config.head_dim));
  Index first = 0;
  for (const auto& text : texts) {
    prefill(model, text, {.queries = kAllTokens}, Dtype::f32, threads, [&](const PressInput& in, const LayerCache&) {
      for (Index i = 0; i < config.heads; ++i)
        queries[static_cast<std::size_t>(in.layer * config.heads + i)].middleRows(first, in.tokens()) =
            in.queries.head(i).cast<double>();
    });
    first += static_cast<Index>(text.size());
  }
  const Index group = config.heads / config.kv_heads;
  Eigen::ArrayXd errors = Eigen::ArrayXd::Zero(filters.rows());
  for (std::size_t head = 0; head < queries.size(); ++head) {
    const Eigen::JacobiSVD<Eigen::MatrixXd> svd(queries[head], Eigen::ComputeThinV);
    // Calibration computes the first eigenvector of the sum of q^T q in float. An error of that matrix rotates the
    // vector by the error divided by the gap between the first two eigenvalues (Davis and Kahan). The error is that of
    // rounding products and partial sums, which are half of the sum on average, and the error that LAPACK's tests allow
    // for an eigensolver: the epsilon of float times the size and the norm of the matrix.
    const Eigen::ArrayXd eigenvalues = svd.singularValues().array().square();
    const double error = kvx_test::rounding_error(110 / 2 + 1, eigenvalues.sum()) +
                         static_cast<double>(config.head_dim) * 2 * kvx_test::kUnitRoundoff * eigenvalues[0];
    errors[static_cast<Index>(head) / group] +=
        std::sqrt(2.0) * error / (eigenvalues[0] - eigenvalues[1]) / static_cast<double>(group);
    const Eigen::RowVectorXd direction = svd.matrixV().col(0).transpose();
    const double side = queries[head].colwise().mean().dot(direction);
    expected.row(static_cast<Index>(head) / group) -= std::copysign(1.0, side) * direction / static_cast<double>(group);
  }
  for (Index f = 0; f < filters.rows(); ++f) {
    CAPTURE(f);
    CHECK((filters.row(f).cast<double>() - expected.row(f)).norm() <= errors[f]);
    CHECK(double{filters.row(f).norm()} <= 1 + errors[f]);
  }
}

TEST_CASE("Calibration reports its progress, and refuses to run without texts") {
  Threads threads(1);
  const auto model = Decoder::load(kvx_test::kTinyRandom, WeightFormat::f32, threads);
  const auto text = kvx_test::random_tokens(5, 3);
  std::vector<double> fractions;
  run(model, {text, text}, 10, threads, [&](double done) { fractions.push_back(done); });
  CHECK(fractions == std::vector{0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1.0});
  CHECK(error_of([&] { run(model, {}, 10, threads); }) == "texts: expected at least one, found none");
  CHECK(error_of([&] { run(model, {text}, 0, threads); }) == "positions: expected at least 1, found 0");
  CHECK(error_of([&] { run(model, {{}}, 10, threads); }) == "context: expected at least one token, found none");
}
