#include <kvx/press/merging.hpp>

#include <doctest/doctest.h>

#include <kvx/press/knorm.hpp>
#include <kvx/press/press.hpp>
#include <kvx/press/think.hpp>

#include "support/error_of.hpp"
#include "support/layer.hpp"

using namespace kvx;

namespace {
/// Rows 1 and 3 stay, with keys along the two axes; 0 and 2 go, with cosines of 0.6, 0.8 and 1, 0, and 4 goes, opposite
/// to both. Values are along the first axis, but for row 0.
struct Example {
  kvx_test::Layer layer{1, 1, 5, 2};
  Matrix<float> keys{2, 2}, values{2, 2};

  Example() {
    const float all_keys[] = {0.6f, 0.8f, 5, 0, 3, 0, 0, 2, -1, -1}, all_values[] = {0, 1, 2, 0, 6, 0, 3, 0, 1, 0};
    std::copy(std::begin(all_keys), std::end(all_keys), layer.keys.begin());
    std::copy(std::begin(all_values), std::end(all_values), layer.values.begin());
    keys << 5, 0, 0, 2;
    values << 2, 0, 3, 0;
  }
  Matrix<float> merged(double threshold, double fraction) {
    const std::vector<Index> kept = {1, 3};
    std::vector<Position> positions = {1, 3};
    const Matrix<float> own = keys;
    Merging<Knorm>{{}, threshold, fraction}.edit(layer.input(), 0, kept, {view(keys), view(values), positions});
    CHECK(keys == own);
    CHECK(positions == std::vector<Position>{1, 3});
    return values;
  }
};

Matrix<float> matrix(float a, float b, float c, float d) {
  Matrix<float> all(2, 2);
  all << a, b, c, d;
  return all;
}
// Row 2 joins row 1 with weight 1 6 / (6 + 2), row 0 joins row 3 with weight 0.8 1 / (1 + 3).
const float kFirst = (2 + 0.75f * 6) / 1.75f, kSecond = 3 / 1.2f, kSecondUp = 0.2f / 1.2f;
}  // namespace

TEST_CASE("Merging adds the values that go to those of the most similar keys, by similarity and norm") {
  CHECK(Example().merged(0, 1).isApprox(matrix(kFirst, 0, kSecond, kSecondUp), 1e-5f));
  CHECK(Example().merged(-1, 1).isApprox(matrix(kFirst, 0, kSecond, kSecondUp), 1e-5f));  // opposite keys add nothing
}

TEST_CASE("Merging leaves out what is not similar enough") {
  CHECK(Example().merged(0.9, 1).isApprox(matrix(kFirst, 0, 3, 0), 1e-5f));
  CHECK(Example().merged(0, 0.5).isApprox(matrix(kFirst, 0, kSecond, kSecondUp), 1e-5f));  // of three the better two
  CHECK(Example().merged(0, 0.4).isApprox(matrix(kFirst, 0, 3, 0), 1e-5f));
  CHECK(Example().merged(0.9, 0.5).isApprox(matrix(kFirst, 0, 3, 0), 1e-5f));
}

TEST_CASE("Merging has nothing to do where nothing goes") {
  const auto layer = kvx_test::Layer::random(1, 1, 3, 2, 1);
  Matrix<float> keys = layer.input().keys.head(0), values = layer.input().values.head(0);
  const Matrix<float> own = values;
  const std::vector<Index> kept = {0, 1, 2};
  std::vector<Position> positions = {0, 1, 2};
  Merging<Knorm>{.fraction = 0.5}.edit(layer.input(), 0, kept, {view(keys), view(values), positions});
  CHECK(values == own);
}

TEST_CASE("Merging keeps what the press inside keeps, and refuses one that rewrites rows") {
  const auto layer = kvx_test::Layer::random(1, 1, 9, 2, 1);
  const auto half = Allowance::of_ratio(0.5);
  CHECK(select(Merging<Knorm>(), layer.input(), half) == select(Knorm(), layer.input(), half));
  CHECK(error_of([] { Merging<ThinK>().validate(); }) ==
        "merging: expected a press that does not rewrite rows, found think");
  CHECK(error_of([] { Merging<Knorm>{.threshold = 2}.validate(); }) ==
        "merging: threshold: expected -1 <= threshold <= 1, found 2.000000");
  CHECK(error_of([] { Merging<Knorm>{.fraction = -1}.validate(); }) ==
        "merging: fraction: expected 0 <= fraction <= 1, found -1.000000");
}
