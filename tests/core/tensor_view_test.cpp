#include <kvx/core/tensor_view.hpp>

#include <doctest/doctest.h>

#include <numeric>
#include <type_traits>
#include <vector>

using kvx::Index;
using kvx::TensorView;
using View = TensorView<float>;

namespace {
/// The numbers 0, 1, 2, ..., for tensors of 2 heads, 3 tokens and 4 channels in either layout.
std::vector<float> counted() {
  std::vector<float> data(24);
  std::iota(data.begin(), data.end(), 0.0f);
  return data;
}
}  // namespace

TEST_CASE("a head-major view finds element (h, t, d) at (h * tokens + t) * head_dim + d") {
  auto data = counted();
  const auto view = View::head_major(data.data(), 2, 3, 4);
  for (Index h = 0; h < 2; ++h)
    for (Index t = 0; t < 3; ++t)
      for (Index d = 0; d < 4; ++d) {
        CHECK(view.head(h)(t, d) == static_cast<float>((h * 3 + t) * 4 + d));
        CHECK(view.row(h, t)[d] == view.head(h)(t, d));
      }
}

TEST_CASE("a token-major view finds element (h, t, d) at (t * heads + h) * head_dim + d") {
  auto data = counted();
  const auto view = View::token_major(data.data(), 2, 3, 4);
  for (Index h = 0; h < 2; ++h)
    for (Index t = 0; t < 3; ++t)
      for (Index d = 0; d < 4; ++d) {
        CHECK(view.head(h)(t, d) == static_cast<float>((t * 2 + h) * 4 + d));
        CHECK(view.row(h, t)[d] == view.head(h)(t, d));
      }
}

TEST_CASE("a range of tokens is a view of the same memory, in both layouts") {
  auto data = counted();
  for (const auto& view : {View::head_major(data.data(), 2, 3, 4), View::token_major(data.data(), 2, 3, 4)}) {
    const View last = view.tokens(1, 2);
    CHECK(last.heads() == 2);
    CHECK(last.tokens() == 2);
    CHECK(last.head_dim() == 4);
    CHECK(last.row(1, 1) == view.row(1, 2));
    CHECK(last.head(1) == view.head(1).bottomRows(2));
    CHECK(last.tokens(1, 1).row(0, 0) == view.row(0, 2));
    CHECK(view.tokens(3, 0).tokens() == 0);
  }
}

TEST_CASE("writing to a view changes its memory, and a view converts to a read-only one but not back") {
  auto data = counted();
  const auto view = View::token_major(data.data(), 2, 3, 4);
  view.head(1).row(2).setConstant(-1);
  CHECK(data ==
        std::vector<float>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, -1, -1, -1, -1});
  const TensorView<const float> read_only = view;
  CHECK(read_only.row(1, 2) == view.row(1, 2));
  CHECK(read_only.head(1) == view.head(1));
  CHECK_FALSE(std::is_convertible_v<TensorView<const float>, View>);
}

TEST_CASE("a default view is empty") {
  CHECK(View().empty());
  float element = 0;
  CHECK_FALSE(View::head_major(&element, 1, 1, 1).empty());
}

TEST_CASE("a matrix view uses its row stride") {
  auto data = counted();
  const auto rows = kvx::view(data.data(), 3, 2, 8);
  CHECK(rows(2, 1) == 17);
  kvx::Matrix<float> matrix(2, 3);
  matrix << 1, 2, 3, 4, 5, 6;
  kvx::view(matrix)(1, 0) = 9;
  CHECK(matrix(1, 0) == 9);
}
