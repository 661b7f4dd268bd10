#include <kvx/cache/quantized_rows.hpp>

#include "support/error_of.hpp"
#include "support/random_floats.hpp"
#include "support/rounding.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

using namespace kvx;
using Axis = Quantization::Axis;
using Content = QuantizedRows::Content;
using kvx_test::rounding_error;

namespace {
Matrix<float> random_rows(Index rows, Index dim) {
  Matrix<float> all(rows, dim);
  const auto random = kvx_test::random_floats(static_cast<std::size_t>(all.size()), 7);
  std::copy(random.begin(), random.end(), all.data());
  return all;
}
Matrix<float> dequantized(const QuantizedRows& rows) {
  Matrix<float> all(rows.rows(), rows.head_dim());
  rows.dequantize(0, rows.rows(), all.data());
  return all;
}
MatrixView<const float> part(const Matrix<float>& rows, Index first, Index count) {
  return rows_of(view(rows), first, count);
}

/// The largest error of a dequantized element of [-1, 1]: half a step, or at the ends of the group the error of the
/// zero or of all steps, which are rounded to F16, whose smallest numbers are multiples of 2^-24. Float is rounded
/// twice when the number of steps is computed, and twice when the element is dequantized.
double largest_error(const QuantizedGroup& group, int bits) {
  const double scale{group.scale}, zero{group.zero}, steps = (1 << bits) - 1;
  const auto f16_error = [](double x) { return std::max(0x1p-11 * std::abs(x), 0x1p-25); };
  return std::max({scale / 2, f16_error(zero), steps * f16_error(scale)}) + rounding_error(2 + 2, 2);
}

/// Appends random rows in parts of the given sizes, and checks that each element is dequantized to its group's step.
void check(Content content, const Quantization& quantization, Index rows, Index dim, const std::vector<Index>& parts) {
  CAPTURE(quantization.bits);
  CAPTURE(quantization.group);
  CAPTURE(dim);
  const Matrix<float> original = random_rows(rows, dim);
  QuantizedRows quantized(content, quantization, dim);
  Index appended = 0;
  for (const Index count : parts) {
    quantized.append(part(original, appended, count));
    appended += count;
  }
  REQUIRE(appended == rows);
  REQUIRE(quantized.rows() == rows);
  const Matrix<float> found = dequantized(quantized);
  Index wrong = 0, groups = 0;
  each_group<F16>(view(original), quantization,
                  [&](Index j, Index d, const auto& elements, const QuantizedGroup& group) {
                    ++groups;
                    for (Index y = 0; y < elements.rows(); ++y)
                      for (Index x = 0; x < elements.cols(); ++x) {
                        const auto code = group.code(elements(y, x), quantization.bits);
                        const double value{group.value(code)}, zero{group.zero}, actual{found(j + y, d + x)};
                        // A multiply-add may be fused or not.
                        wrong += std::abs(actual - value) > rounding_error(2, std::abs(value - zero) + std::abs(value));
                        wrong += std::abs(actual - double{elements(y, x)}) > largest_error(group, quantization.bits);
                      }
                  });
  CHECK(groups > 0);
  CHECK(wrong == 0);
  Matrix<float> one(1, dim);
  quantized.dequantize(rows - 2, 1, one.data());
  CHECK(one == found.row(rows - 2));
}
}  // namespace

TEST_CASE("rows are dequantized to their groups' steps for all bits, head sizes and ways of appending them") {
  for (const int bits : {2, 4, 8})
    for (const Index dim : {1, 7, 24, 64, 80}) {
      check(Content::keys, {Axis::per_channel, bits, 16}, 48, dim, {16, 0, 32});
      check(Content::keys, {Axis::per_channel, bits, 32}, 96, dim, {96});
      check(Content::keys, {Axis::per_channel, bits, 48}, 144, dim, {48, 96});
      for (const Content content : {Content::keys, Content::values}) {
        check(content, {Axis::per_token, bits, 16}, 21, dim, {21});
        check(content, {Axis::per_token, bits, 32}, 37, dim, {1, 1, 1, 16, 18});
        check(content, {Axis::per_token, bits, 128}, 8, dim, {3, 5});
      }
    }
}

TEST_CASE("a word holds successive channels of a key, and successive rows of a value's channel") {
  Matrix<float> rows(16, 2);
  for (Index j = 0; j < 16; ++j) rows.row(j) << static_cast<float>(j), static_cast<float>(15 - j);
  QuantizedRows keys(Content::keys, {Axis::per_channel, 4, 16}, 2),
      values(Content::values, {Axis::per_token, 4, 16}, 2), simple(Content::keys, {Axis::per_token, 4, 16}, 2);
  for (QuantizedRows* const all : {&keys, &values, &simple}) all->append(view(std::as_const(rows)));
  for (std::uint32_t j = 0; j < 16; ++j) {
    CHECK(keys.view().codes[j] == (j | (15 - j) << 4));
    CHECK(simple.view().codes[j] == (j < 8 ? 0xf0u : 0x0fu));
    CHECK(static_cast<float>(simple.view().zeros[j]) == static_cast<float>(std::min(j, 15 - j)));
  }
  // One of a row's two channels is the smallest of its group, and the other is the largest. Row 8 begins a word.
  CHECK(values.view().codes[0] == 0);
  CHECK(values.view().codes[1] == 0xffffffffu);
  CHECK(values.view().codes[16] == 0xffffffffu);
  CHECK(values.view().codes[17] == 0);
  CHECK(values.view().codes[18] == 0);
}

TEST_CASE("bytes counts the codes, and two bytes each for the scale and the zero of a group") {
  const Matrix<float> rows = random_rows(64, 64);
  for (const auto& [bits, bytes] : {std::pair{2, 1536u}, {4, 2560u}, {8, 4608u}})
    for (const auto& [content, axis] : {std::pair{Content::keys, Axis::per_channel},
                                        {Content::keys, Axis::per_token},
                                        {Content::values, Axis::per_token}}) {
      QuantizedRows quantized(content, {axis, bits, 32}, 64);
      CHECK(quantized.bytes() == 0);
      quantized.reserve(64);
      quantized.append(part(rows, 0, 32));
      quantized.append(part(rows, 32, 32));
      CHECK(quantized.bytes() == bytes);
      CHECK(QuantizedRows::bytes(content, {axis, bits, 32}, 64, 64) == bytes);
    }
  // Keys are stored in blocks of 16 rows, even if a group has only one.
  CHECK(QuantizedRows::bytes(Content::keys, {Axis::per_token, 4, 32}, 64, 1) ==
        QuantizedRows::bytes(Content::keys, {Axis::per_token, 4, 32}, 64, 16));
}

TEST_CASE("rows that cannot be stored are refused, and the others do not change") {
  CHECK(error_of([] {
          QuantizedRows(Content::keys, {Axis::per_token, 4, 24}, 64);
        }) == "quantized rows: group: expected a multiple of 16, found 24");
  CHECK(error_of([] {
          QuantizedRows(Content::values, {Axis::per_token, 5, 16}, 64);
        }).starts_with("quantization: bits: "));
  CHECK(error_of([] {
          QuantizedRows(Content::values, {Axis::per_channel, 4, 16}, 64);
        }) == "quantized rows: axis: expected per_token for values, found per_channel");
  QuantizedRows keys(Content::keys, {Axis::per_channel, 4, 32}, 3);
  Matrix<float> rows = random_rows(32, 3);
  keys.append(view(std::as_const(rows)));
  const Matrix<float> before = dequantized(keys);
  const std::size_t bytes = keys.bytes();
  CHECK(error_of([&] { keys.append(part(rows, 0, 16)); }) ==
        "quantized rows: append: expected a multiple of 32 rows, found 16");
  for (const float x : {65520.0f, -70000.0f, std::numeric_limits<float>::infinity(), std::nanf("")}) {
    rows(20, 1) = x;
    CHECK(error_of([&] { keys.append(view(std::as_const(rows))); }) ==
          "quantized rows: append: expected elements within 65504, found others");
  }
  CHECK(keys.rows() == 32);
  CHECK(keys.bytes() == bytes);
  CHECK(dequantized(keys) == before);
  rows.setConstant(-65504);
  rows(3, 0) = 65504;
  keys.append(view(std::as_const(rows)));
  constexpr double kRange = 2 * 65504;  // 15 steps rounded to F16; then a quotient, a product and a sum
  CHECK(std::abs(double{dequantized(keys)(35, 0)} - 65504) <= kRange * 0x1p-11 + rounding_error(3, kRange));
  CHECK(dequantized(keys)(36, 0) == -65504);
}
