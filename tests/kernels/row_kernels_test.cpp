#include <kvx/kernels/row_kernels.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

#include "support/exact_softmax.hpp"
#include "support/random_floats.hpp"
#include "support/rounding.hpp"

using namespace kvx;
using kvx_test::random_floats;
using kvx_test::rounding_error;

namespace {
constexpr float kLeastExp = 1.7e-38f;  // exp(-87): the arguments of exp are clamped to -87
constexpr float kUnwritten = 12345;

/// Calls f(view of T, the same rows in double) with random rows of every head_dim. Their stride is larger than a row.
template <class T, class F>
void each_rows(F&& f) {
  for (Index dim = 2; dim <= 150; ++dim)
    for (const Index rows : {1, 3, 20}) {
      const Index stride = dim + 5;
      std::vector<T> data;
      for (const float value : random_floats(static_cast<std::size_t>(rows * stride), 7))
        data.push_back(static_cast<T>(value));
      const MatrixView<const T> matrix = view<const T>(data.data(), rows, dim, stride);
      CAPTURE(dim);
      CAPTURE(rows);
      f(matrix, Matrix<double>(matrix.template cast<double>()));
    }
}

/// Whether each value differs from the exact one only by `count` roundings of terms. `magnitudes` are the sums of the
/// terms' magnitudes.
bool near_exact(const std::vector<float>& found, const Eigen::VectorXd& exact, double count,
                const Eigen::VectorXd& magnitudes) {
  bool all = true;
  for (Index i = 0; i < exact.size(); ++i)
    all &= std::abs(double{found[static_cast<std::size_t>(i)]} - exact[i]) <= rounding_error(count, magnitudes[i]);
  return all;
}
Eigen::VectorXd exact(const std::vector<float>& values) {
  return Eigen::Map<const Eigen::VectorXf>(values.data(), static_cast<Index>(values.size())).cast<double>();
}

template <class T>
void check_dot_rows(const RowKernels& kernels) {
  each_rows<T>([&](MatrixView<const T> keys, const Matrix<double>& reference) {
    const auto q = random_floats(static_cast<std::size_t>(keys.cols()), 8);
    std::vector<float> scores(static_cast<std::size_t>(keys.rows()) + 1, kUnwritten);
    kernels.dot_rows(q.data(), keys, 0.25f, scores.data());
    const double roundings = static_cast<double>(keys.cols()) + 1;  // the product, the sums, the scale
    CHECK(near_exact(scores, 0.25 * (reference * exact(q)), roundings,
                     0.25 * (reference.cwiseAbs() * exact(q).cwiseAbs())));
    CHECK(scores.back() == kUnwritten);
  });
}

template <class T>
void check_weighted_sum(const RowKernels& kernels) {
  each_rows<T>([&](MatrixView<const T> values, const Matrix<double>& reference) {
    auto weights = random_floats(static_cast<std::size_t>(values.rows()), 9);
    for (float& weight : weights) weight /= static_cast<float>(values.rows());
    auto out = random_floats(static_cast<std::size_t>(values.cols()), 10);
    const Eigen::VectorXd expected = exact(out) + reference.transpose() * exact(weights),
                          magnitudes =
                              exact(out).cwiseAbs() + reference.transpose().cwiseAbs() * exact(weights).cwiseAbs();
    out.push_back(kUnwritten);
    kernels.weighted_sum(weights.data(), values, out.data());
    CHECK(near_exact(out, expected, static_cast<double>(values.rows()) + 1, magnitudes));  // the product and the sums
    CHECK(out.back() == kUnwritten);
  });
}
}  // namespace

TEST_CASE("dot_rows and weighted_sum equal computations in double for every path and head_dim, in f32 and bf16") {
  for (const Isa isa : available_isas()) {
    CAPTURE(name_of(isa));
    check_dot_rows<float>(row_kernels(isa));
    check_dot_rows<BF16>(row_kernels(isa));
    check_weighted_sum<float>(row_kernels(isa));
    check_weighted_sum<BF16>(row_kernels(isa));
  }
}

TEST_CASE("weighted_sum over no rows changes nothing") {
  for (const Isa isa : available_isas()) {
    std::vector<float> out(70, 3.0f);
    row_kernels(isa).weighted_sum(nullptr, view<const float>(nullptr, 0, 70, 70), out.data());
    CHECK(out == std::vector<float>(70, 3.0f));
  }
}

TEST_CASE("softmax equals a computation in double for every length") {
  for (const Isa isa : available_isas())
    for (std::size_t count = 1; count <= 80; ++count) {
      auto scores = random_floats(count + 1, count);
      for (float& score : scores) score *= 20;
      scores.back() = kUnwritten;
      const kvx_test::ExactSoftmax expected(exact(scores).head(static_cast<Index>(count)).array());
      row_kernels(isa).softmax(scores.data(), static_cast<Index>(count));
      CAPTURE(name_of(isa));
      CAPTURE(count);
      CHECK(near_exact(scores, expected.weights, 1, expected.units * expected.weights));
      CHECK(scores.back() == kUnwritten);
    }
}

TEST_CASE("softmax of one score is 1, and equal scores have equal weights") {
  for (const Isa isa : available_isas())
    for (const float score : {0.0f, 1e30f, -1e30f}) {
      std::vector<float> one = {score}, four(4, score);
      row_kernels(isa).softmax(one.data(), 1);
      CHECK(one == std::vector<float>{1});
      row_kernels(isa).softmax(four.data(), 4);
      CHECK(four == std::vector<float>(4, 0.25f));
    }
}

TEST_CASE("a score far above the others gets all the weight") {
  for (const Isa isa : available_isas())
    for (const auto& [high, low] : {std::pair{1e4f, 0.0f}, {0.0f, -1e4f}, {-1e30f, -INFINITY}, {1e38f, -1e38f}})
      for (std::size_t hot = 0; hot < 37; ++hot) {
        std::vector<float> scores(37, low);
        scores[hot] = high;
        row_kernels(isa).softmax(scores.data(), 37);
        CHECK(scores[hot] == 1);
        scores[hot] = 0;
        CHECK(*std::max_element(scores.begin(), scores.end()) <= kLeastExp);
        CHECK(*std::min_element(scores.begin(), scores.end()) >= 0);
      }
}

TEST_CASE("swiglu equals a computation in double for every length, and for very large arguments") {
  for (const Isa isa : available_isas()) {
    for (std::size_t count = 1; count <= 80; ++count) {
      auto gate = random_floats(count + 1, count);
      const auto up = random_floats(count, 11);
      gate.back() = kUnwritten;
      const Eigen::ArrayXd g = exact(gate).head(static_cast<Index>(count));
      const Eigen::VectorXd expected = g / (1 + (-g).exp()) * exact(up).array();
      row_kernels(isa).swiglu(gate.data(), up.data(), static_cast<Index>(count));
      CAPTURE(name_of(isa));
      CAPTURE(count);
      // exp is within 2 ulp; then follow the sum, the quotient and the product.
      CHECK(near_exact(gate, expected, 4 + 3, expected.cwiseAbs()));
      CHECK(gate.back() == kUnwritten);
    }
    std::vector<float> ends = {1e4f, -1e4f, 0.0f};
    const float up[] = {2, 2, 2};
    row_kernels(isa).swiglu(ends.data(), up, 3);
    CHECK(ends[0] == 2e4f);
    CHECK(std::abs(ends[1]) <= 2e4f * kLeastExp);
    CHECK(ends[2] == 0);
  }
}

TEST_CASE("geglu equals a computation in double for every length, and for very large arguments") {
  for (const Isa isa : available_isas()) {
    for (std::size_t count = 1; count <= 80; ++count) {
      auto gate = random_floats(count + 1, count);
      for (float& g : gate) g *= 4;
      const auto up = random_floats(count, 11);
      gate.back() = kUnwritten;
      const Eigen::ArrayXd g = exact(gate).head(static_cast<Index>(count)),
                           u = std::sqrt(2 / 3.14159265358979323846) * (g + 0.044715 * g.cube());
      const Eigen::VectorXd expected = g / 2 * (1 + u.tanh()) * exact(up).array();
      row_kernels(isa).geglu(gate.data(), up.data(), static_cast<Index>(count));
      CAPTURE(name_of(isa));
      CAPTURE(count);
      // exp is within 2 ulp, and an error of its argument 2 u counts as often as the argument is large; then follow the
      // sum, the quotient and the product.
      bool near = true;
      for (Index i = 0; i < expected.size(); ++i)
        near &= std::abs(double{gate[static_cast<std::size_t>(i)]} - expected[i]) <=
                rounding_error(4 + 3 + 4 * (1 + 2 * std::abs(u[i])), std::abs(expected[i])) + kLeastExp;
      CHECK(near);
      CHECK(gate.back() == kUnwritten);
    }
    std::vector<float> ends = {1e4f, -1e4f, 0.0f, 1e20f, -1e20f};
    const float up[] = {2, 2, 2, 2, 2};
    row_kernels(isa).geglu(ends.data(), up, 5);
    CHECK(ends[0] == 2e4f);
    CHECK(std::abs(ends[1]) <= 2e4f * kLeastExp);
    CHECK(ends[2] == 0);
    CHECK(ends[3] == 2e20f);
    CHECK(std::abs(ends[4]) <= 2e20f * kLeastExp);
  }
}
