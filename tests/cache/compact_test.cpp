#include <kvx/cache/compact.hpp>

#include "support/error_of.hpp"

#include <doctest/doctest.h>

#include <kvx/core/dtype.hpp>

#include <vector>

using namespace kvx;

namespace {
/// Sets element (h, t, d) to 100 h + 10 t + d.
template <class T>
void fill(const TensorView<T>& tensor) {
  for (Index h = 0; h < tensor.heads(); ++h)
    for (Index t = 0; t < tensor.tokens(); ++t)
      for (Index d = 0; d < tensor.head_dim(); ++d) tensor.row(h, t)[d] = static_cast<T>(float(100 * h + 10 * t + d));
}

template <class T>
void check_layout(const TensorView<T>& tensor) {
  fill(tensor);
  const std::vector<std::vector<Index>> kept = {{0, 2, 4}, {3}, {}};
  compact(tensor, kept);
  for (Index h = 0; h < 3; ++h) {
    const auto& rows = kept[static_cast<std::size_t>(h)];
    for (Index t = 0; t < 5; ++t) {
      const bool moved = t < static_cast<Index>(rows.size());
      const Index from = moved ? rows[static_cast<std::size_t>(t)] : t;
      for (Index d = 0; d < 2; ++d)
        CHECK(static_cast<float>(tensor.row(h, t)[d]) == static_cast<float>(100 * h + 10 * from + d));
    }
  }
}
}  // namespace

TEST_CASE("the kept rows of each head move to its front, in interleaved and in head-major layout") {
  std::vector<float> floats(3 * 5 * 2);
  check_layout(TensorView<float>::token_major(floats.data(), 3, 5, 2));
  check_layout(TensorView<float>::head_major(floats.data(), 3, 5, 2));
  std::vector<BF16> halves(3 * 5 * 2);
  check_layout(TensorView<BF16>::token_major(halves.data(), 3, 5, 2));
}

TEST_CASE("memory between the rows stays as it was") {
  std::vector<float> data(3 * 5 * 4, -1.0f);
  compact(TensorView<float>(data.data(), 3, 5, 2, 4, 12), std::vector<std::vector<Index>>{{1}, {4}, {0, 1, 2}});
  CHECK(data == std::vector<float>(data.size(), -1.0f));
  check_layout(TensorView<float>(data.data(), 3, 5, 2, 4, 12));
  for (std::size_t row = 0; row < 15; ++row) {
    CHECK(data[4 * row + 2] == -1);
    CHECK(data[4 * row + 3] == -1);
  }
}

TEST_CASE("keeping all rows changes nothing") {
  std::vector<float> data = {1, 2, 3, 4}, before = data;
  compact(TensorView<float>::head_major(data.data(), 1, 2, 2), std::vector<std::vector<Index>>{{0, 1}});
  CHECK(data == before);
}

TEST_CASE("rows that do not ascend within the tokens are refused, and nothing moves") {
  std::vector<float> data(2 * 5 * 2);
  const auto tensor = TensorView<float>::head_major(data.data(), 2, 5, 2);
  fill(tensor);
  const std::vector<float> before = data;
  for (const std::vector<std::vector<Index>>& kept :
       {std::vector<std::vector<Index>>{{0}}, {{0}, {5}}, {{0}, {-1, 2}}, {{0}, {2, 1}}, {{0}, {3, 3}}})
    CHECK(error_of([&] { compact(tensor, kept); }).starts_with("compact: kept: expected "));
  CHECK(data == before);
}
