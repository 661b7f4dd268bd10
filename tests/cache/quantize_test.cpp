#include <kvx/cache/quantize.hpp>

#include "support/error_of.hpp"
#include "support/random_floats.hpp"

#include <doctest/doctest.h>

#include <kvx/core/dtype.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

using namespace kvx;
using Axis = Quantization::Axis;

namespace {
std::vector<int> codes(const QuantizedGroup& group, int bits, const std::vector<float>& elements) {
  std::vector<int> all;
  for (const float x : elements) all.push_back(group.code(x, bits));
  return all;
}

/// The first row, first channel, rows, channels and smallest element of each group.
std::vector<std::vector<Index>> groups(const Matrix<float>& rows, const Quantization& quantization) {
  std::vector<std::vector<Index>> all;
  each_group<float>(view(rows), quantization, [&](Index j, Index d, const auto& elements, const QuantizedGroup& group) {
    all.push_back({j, d, elements.rows(), elements.cols(), static_cast<Index>(group.zero)});
  });
  return all;
}
}  // namespace

TEST_CASE("codes count steps from the smallest element, and half a step is rounded to the even code") {
  const auto group = QuantizedGroup::of_range<float>(-1, 2, 2);
  CHECK(group.zero == -1);
  CHECK(group.scale == 1);
  CHECK(codes(group, 2, {-1, -0.5f, -0.25f, 0.5f, 1, 1.5f, 2}) == std::vector<int>{0, 0, 1, 2, 2, 2, 3});
  CHECK(group.value(3) == 2);
  const auto fine = QuantizedGroup::of_range<float>(0, 510, 8);
  CHECK(fine.scale == 2);
  CHECK(codes(fine, 8, {0, 1, 3, 257, 510}) == std::vector<int>{0, 0, 2, 128, 255});
}

TEST_CASE("a group of equal elements has code 0 and is dequantized exactly") {
  const auto group = QuantizedGroup::of_range<float>(0.3f, 0.3f, 4);
  CHECK(group.scale == 0);
  CHECK(group.code(0.3f, 4) == 0);
  CHECK(group.value(0) == 0.3f);
}

TEST_CASE("codes are computed with the scale and zero as they are stored") {
  const float low = 100.04f, high = 101;  // F16 numbers are 1/16 apart here, so the zero is 100.0625
  const auto group = QuantizedGroup::of_range<F16>(low, high, 4);
  CHECK(group.zero == 100.0625f);
  CHECK(group.scale == 0.0625f);
  CHECK(codes(group, 4, {low, 100.08f, 100.5f, high}) == std::vector<int>{0, 0, 7, 15});
  CHECK(QuantizedGroup::of_range<float>(low, high, 4).code(100.08f, 4) == 1);
  // Codes stay in their range even if rounding moves the zero or the scale by many steps.
  CHECK(codes(QuantizedGroup::of_range<F16>(low, 100.1f, 4), 4, {low, 100.1f}) == std::vector<int>{0, 15});
  const float tiny = 0x1p-24f * 2.4f * 255;
  CHECK(codes(QuantizedGroup::of_range<F16>(0, tiny, 8), 8, {0, tiny}) == std::vector<int>{0, 255});
}

TEST_CASE("a group is successive rows of a channel, or successive channels of a row, and the last may be shorter") {
  Matrix<float> rows(3, 5);
  for (Index j = 0; j < 3; ++j)
    for (Index d = 0; d < 5; ++d) rows(j, d) = static_cast<float>(10 * j + d);
  using Groups = std::vector<std::vector<Index>>;
  CHECK(groups(rows, {Axis::per_channel, 4, 2}) == Groups{{0, 0, 2, 1, 0},
                                                          {0, 1, 2, 1, 1},
                                                          {0, 2, 2, 1, 2},
                                                          {0, 3, 2, 1, 3},
                                                          {0, 4, 2, 1, 4},
                                                          {2, 0, 1, 1, 20},
                                                          {2, 1, 1, 1, 21},
                                                          {2, 2, 1, 1, 22},
                                                          {2, 3, 1, 1, 23},
                                                          {2, 4, 1, 1, 24}});
  CHECK(
      groups(rows, {Axis::per_token, 4, 3}) ==
      Groups{{0, 0, 1, 3, 0}, {0, 3, 1, 2, 3}, {1, 0, 1, 3, 10}, {1, 3, 1, 2, 13}, {2, 0, 1, 3, 20}, {2, 3, 1, 2, 23}});
}

TEST_CASE("the error of an element is at most half a step") {
  Matrix<float> rows(40, 24);
  const auto random = kvx_test::random_floats(static_cast<std::size_t>(rows.size()), 5);
  std::copy(random.begin(), random.end(), rows.data());
  for (const int bits : {2, 4, 8})
    for (const Axis axis : {Axis::per_channel, Axis::per_token})
      each_group<float>(view(std::as_const(rows)), {axis, bits, 16},
                        [&](Index, Index, const auto& elements, const QuantizedGroup& group) {
                          for (Index j = 0; j < elements.rows(); ++j)
                            for (Index d = 0; d < elements.cols(); ++d) {
                              const float x = elements(j, d);
                              CHECK(std::abs(group.value(group.code(x, bits)) - x) <= group.scale * 0.50001f);
                            }
                        });
}

TEST_CASE("other numbers of bits and empty groups are refused") {
  CHECK(error_of([] {
          Quantization{Axis::per_token, 3, 32}.validate();
        }) == "quantization: bits: expected 2, 4 or 8, found 3");
  CHECK(error_of([] {
          Quantization{Axis::per_token, 4, 0}.validate();
        }) == "quantization: group: expected at least 1, found 0");
}

TEST_CASE("round_to_absmax uses one scale for all heads, and does not change memory between rows") {
  std::vector<float> data = {2.5f, 3.5f, 0.4f, 99, -7, -0.6f, 6.5f, 99};  // two heads of one row of three
  round_to_absmax({data.data(), 2, 1, 3, 4, 4}, 4);
  CHECK(data == std::vector<float>{2, 4, 0, 99, -7, -1, 6, 99});
  std::vector<float> halves = {1, -0.75f, 0.4f};
  round_to_absmax(TensorView<float>::head_major(halves.data(), 1, 1, 3), 2);
  CHECK(halves == std::vector<float>{1, -1, 0});
  std::vector<float> nothing = {0, 0};
  round_to_absmax(TensorView<float>::head_major(nothing.data(), 1, 2, 1), 8);
  CHECK(nothing == std::vector<float>{0, 0});
}
