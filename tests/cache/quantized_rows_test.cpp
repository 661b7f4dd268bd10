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
using Of = QuantizedRows::Of;
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

/// By how much an element of [-1, 1] may differ from what it comes back as: by half a step, or at the group's ends by
/// what zero and all steps have been rounded to F16, whose least are multiples of 2^-24. Two roundings are made to a
/// number of steps between such elements, and two to come back.
double largest_error(const QuantizedGroup& group, int bits) {
  const double scale{group.scale}, zero{group.zero}, most = (1 << bits) - 1;
  const auto of_f16 = [](double x) { return std::max(0x1p-11 * std::abs(x), 0x1p-25); };
  return std::max({scale / 2, of_f16(zero), most * of_f16(scale)}) + rounding_error(2 + 2, 2);
}

/// The parts come back as the whole, and each element as its group's step.
void check(Of of, const Quantization& how, Index rows, Index dim, const std::vector<Index>& parts) {
  CAPTURE(how.bits);
  CAPTURE(how.group);
  CAPTURE(dim);
  const Matrix<float> original = random_rows(rows, dim);
  QuantizedRows quantized(of, how, dim);
  Index at = 0;
  for (const Index count : parts) {
    quantized.append(part(original, at, count));
    at += count;
  }
  REQUIRE(at == rows);
  REQUIRE(quantized.rows() == rows);
  const Matrix<float> found = dequantized(quantized);
  Index wrong = 0, groups = 0;
  each_group<F16>(view(original), how, [&](Index j, Index d, const auto& elements, const QuantizedGroup& group) {
    ++groups;
    for (Index y = 0; y < elements.rows(); ++y)
      for (Index x = 0; x < elements.cols(); ++x) {
        const auto code = group.code(elements(y, x), how.bits);
        const double value{group.value(code)}, zero{group.zero}, is{found(j + y, d + x)};
        // A multiply-add may be fused or not.
        wrong += std::abs(is - value) > rounding_error(2, std::abs(value - zero) + std::abs(value));
        wrong += std::abs(is - double{elements(y, x)}) > largest_error(group, how.bits);
      }
  });
  CHECK(groups > 0);
  CHECK(wrong == 0);
  Matrix<float> one(1, dim);
  quantized.dequantize(rows - 2, 1, one.data());
  CHECK(one == found.row(rows - 2));
}
}  // namespace

TEST_CASE("rows come back as their groups' codes, whatever the width, the channels and the parts they came in") {
  for (const int bits : {2, 4, 8})
    for (const Index dim : {1, 7, 24, 64, 80}) {
      check(Of::keys, {Axis::per_channel, bits, 16}, 48, dim, {16, 0, 32});
      check(Of::keys, {Axis::per_channel, bits, 32}, 96, dim, {96});
      check(Of::keys, {Axis::per_channel, bits, 48}, 144, dim, {48, 96});
      for (const Of of : {Of::keys, Of::values}) {
        check(of, {Axis::per_token, bits, 16}, 21, dim, {21});
        check(of, {Axis::per_token, bits, 32}, 37, dim, {1, 1, 1, 16, 18});
        check(of, {Axis::per_token, bits, 128}, 8, dim, {3, 5});
      }
    }
}

TEST_CASE("a word holds successive channels of a key, and successive rows of a value's channel") {
  Matrix<float> rows(16, 2);
  for (Index j = 0; j < 16; ++j) rows.row(j) << static_cast<float>(j), static_cast<float>(15 - j);
  QuantizedRows keys(Of::keys, {Axis::per_channel, 4, 16}, 2), values(Of::values, {Axis::per_token, 4, 16}, 2),
      simple(Of::keys, {Axis::per_token, 4, 16}, 2);
  for (QuantizedRows* const all : {&keys, &values, &simple}) all->append(view(std::as_const(rows)));
  for (std::uint32_t j = 0; j < 16; ++j) {
    CHECK(keys.view().codes[j] == (j | (15 - j) << 4));
    CHECK(simple.view().codes[j] == (j < 8 ? 0xf0u : 0x0fu));
    CHECK(static_cast<float>(simple.view().zeros[j]) == static_cast<float>(std::min(j, 15 - j)));
  }
  // Of a row's two channels one is the group's least, and the other its most. Row 8 begins the second word.
  CHECK(values.view().codes[0] == 0);
  CHECK(values.view().codes[1] == 0xffffffffu);
  CHECK(values.view().codes[16] == 0xffffffffu);
  CHECK(values.view().codes[17] == 0);
  CHECK(values.view().codes[18] == 0);
}

TEST_CASE("bytes are codes, and a scale and a zero of two bytes each per group") {
  const Matrix<float> rows = random_rows(64, 64);
  for (const auto& [bits, bytes] : {std::pair{2, 1536u}, {4, 2560u}, {8, 4608u}})
    for (const auto& [of, axis] :
         {std::pair{Of::keys, Axis::per_channel}, {Of::keys, Axis::per_token}, {Of::values, Axis::per_token}}) {
      QuantizedRows quantized(of, {axis, bits, 32}, 64);
      CHECK(quantized.bytes() == 0);
      quantized.reserve(64);
      quantized.append(part(rows, 0, 32));
      quantized.append(part(rows, 32, 32));
      CHECK(quantized.bytes() == bytes);
      CHECK(QuantizedRows::bytes(of, {axis, bits, 32}, 64, 64) == bytes);
    }
  // Keys are stored by sixteen rows, even where a group is of one.
  CHECK(QuantizedRows::bytes(Of::keys, {Axis::per_token, 4, 32}, 64, 1) ==
        QuantizedRows::bytes(Of::keys, {Axis::per_token, 4, 32}, 64, 16));
}

TEST_CASE("what cannot be stored is refused, and the rows stay as they were") {
  CHECK(error_of([] {
          QuantizedRows(Of::keys, {Axis::per_token, 4, 24}, 64);
        }) == "quantized rows: group: expected a multiple of 16, found 24");
  CHECK(error_of([] { QuantizedRows(Of::values, {Axis::per_token, 5, 16}, 64); }).starts_with("quantization: bits: "));
  CHECK(error_of([] {
          QuantizedRows(Of::values, {Axis::per_channel, 4, 16}, 64);
        }) == "quantized rows: axis: expected per_token for values, found per_channel");
  QuantizedRows keys(Of::keys, {Axis::per_channel, 4, 32}, 3);
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
  constexpr double kRange = 2 * 65504;  // 15 steps, rounded to F16; a quotient, a product and a sum
  CHECK(std::abs(double{dequantized(keys)(35, 0)} - 65504) <= kRange * 0x1p-11 + rounding_error(3, kRange));
  CHECK(dequantized(keys)(36, 0) == -65504);
}
