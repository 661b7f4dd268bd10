#include <kvx/press/merging.hpp>

#include <doctest/doctest.h>

#include <kvx/press/knorm.hpp>
#include <kvx/press/press.hpp>
#include <kvx/press/think.hpp>

#include "support/error_of.hpp"
#include "support/layer.hpp"

using namespace kvx;

namespace {
/// Rows 1 and 3 stay; their keys point along the two axes. Rows 0, 2 and 4 are evicted: row 0 has the cosines 0.6 and
/// 0.8 with the kept keys, row 2 has 1 and 0, and row 4 points away from both. All values are along the first axis
/// except that of row 0.
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
    const Matrix<float> keys_before = keys;
    Merging<Knorm>{{}, threshold, fraction}.edit(layer.input(), 0, kept, {view(keys), view(values), positions});
    CHECK(keys == keys_before);
    CHECK(positions == std::vector<Position>{1, 3});
    return values;
  }
};

Matrix<float> matrix(float a, float b, float c, float d) {
  Matrix<float> all(2, 2);
  all << a, b, c, d;
  return all;
}
// Row 2 is merged into row 1 with the weight 1 * 6 / (6 + 2), and row 0 into row 3 with 0.8 * 1 / (1 + 3).
const float kFirst = (2 + 0.75f * 6) / 1.75f, kSecond = 3 / 1.2f, kSecondUp = 0.2f / 1.2f;
}  // namespace

TEST_CASE("Merging adds the values of evicted rows to the kept rows with the most similar keys") {
  CHECK(Example().merged(0, 1).isApprox(matrix(kFirst, 0, kSecond, kSecondUp), 1e-5f));
  CHECK(Example().merged(-1, 1).isApprox(matrix(kFirst, 0, kSecond, kSecondUp), 1e-5f));  // opposite keys add nothing
}

TEST_CASE("Merging does not merge rows that are not similar enough") {
  CHECK(Example().merged(0.9, 1).isApprox(matrix(kFirst, 0, 3, 0), 1e-5f));
  CHECK(Example().merged(0, 0.5).isApprox(matrix(kFirst, 0, kSecond, kSecondUp), 1e-5f));  // two of three
  CHECK(Example().merged(0, 0.4).isApprox(matrix(kFirst, 0, 3, 0), 1e-5f));
  CHECK(Example().merged(0.9, 0.5).isApprox(matrix(kFirst, 0, 3, 0), 1e-5f));
}

TEST_CASE("Merging changes nothing if no row is evicted") {
  const auto layer = kvx_test::Layer::random(1, 1, 3, 2, 1);
  Matrix<float> keys = layer.input().keys.head(0), values = layer.input().values.head(0);
  const Matrix<float> values_before = values;
  const std::vector<Index> kept = {0, 1, 2};
  std::vector<Position> positions = {0, 1, 2};
  Merging<Knorm>{.fraction = 0.5}.edit(layer.input(), 0, kept, {view(keys), view(values), positions});
  CHECK(values == values_before);
}

TEST_CASE("Merging keeps the rows that the wrapped press keeps, and refuses one that rewrites rows") {
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
