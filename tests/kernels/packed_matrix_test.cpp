#include <kvx/kernels/packed_matrix.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "support/error_of.hpp"
#include "support/random_floats.hpp"

using namespace kvx;

namespace {
constexpr auto kPackedFormats = {WeightFormat::f32, WeightFormat::bf16, WeightFormat::int8};

/// Element (r, k) of every source in this file. It is exact in each dtype and in int8, whose scale is 1, since the
/// first element of a group is 127 or -127.
float element(Index r, Index k) {
  if (k % 64 == 0) return r % 2 == 0 ? 127 : -127;
  return static_cast<float>((37 * r + 11 * k) % 255 - 127);
}

/// Rows [first, first + rows) as `dtype`. They begin at the second byte, so that they are not aligned.
std::vector<std::byte> source(Dtype dtype, Index first, Index rows, Index in) {
  std::vector<std::byte> bytes(1);
  visit(dtype, [&]<class T>(T) {
    for (Index r = first; r < first + rows; ++r)
      for (Index k = 0; k < in; ++k) {
        const T value = static_cast<T>(element(r, k));
        const auto raw = std::as_bytes(std::span(&value, 1));
        bytes.insert(bytes.end(), raw.begin(), raw.end());
      }
  });
  return bytes;
}

void pack(PackedMatrix& matrix, Dtype dtype, Index first, Index rows, Threads& threads) {
  const auto bytes = source(dtype, first, rows, matrix.in());
  matrix.pack(first, rows, dtype, std::span(bytes).subspan(1), threads);
}
void pack(PackedMatrix& matrix, const std::vector<float>& weights, Threads& threads) {
  matrix.pack(0, matrix.out(), Dtype::f32, std::as_bytes(std::span(weights)), threads);
}

std::vector<float> row_of(const PackedMatrix& matrix, Index r) {
  std::vector<float> row(static_cast<std::size_t>(matrix.in()));
  matrix.row(r, row.data());
  return row;
}

void check_rows(const PackedMatrix& matrix) {
  bool equal = true;
  for (Index r = 0; r < matrix.out(); ++r) {
    const auto row = row_of(matrix, r);
    for (Index k = 0; k < matrix.in(); ++k) equal &= row[static_cast<std::size_t>(k)] == element(r, k);
  }
  CHECK(equal);
}
}  // namespace

TEST_CASE("row() returns a row as it was packed, from unaligned sources of every type") {
  Threads threads(2);
  for (const WeightFormat to : kPackedFormats)
    for (const Dtype from : {Dtype::f32, Dtype::f16, Dtype::bf16})
      for (const Index out : {1, 15, 16, 17, 130})
        for (const Index in : {1, 7, 64, 131}) {
          PackedMatrix matrix(to, out, in);
          pack(matrix, from, 0, out, threads);
          CAPTURE(name_of(to));
          CAPTURE(name_of(from));
          CAPTURE(out);
          CAPTURE(in);
          check_rows(matrix);
        }
}

TEST_CASE("several sources fill one matrix, each beginning at another row") {
  Threads threads(1);
  for (const WeightFormat format : kPackedFormats) {
    PackedMatrix matrix(format, 200, 3);
    pack(matrix, Dtype::bf16, 13, 5, threads);
    pack(matrix, Dtype::f32, 18, 182, threads);
    pack(matrix, Dtype::f16, 0, 13, threads);
    check_rows(matrix);
  }
}

TEST_CASE("bytes_of predicts the bytes: panels of 16 outputs, inputs padded to 32 in bf16 and to 64 in int8") {
  CHECK(PackedMatrix(WeightFormat::f32, 19, 2).bytes() == 2 * 16 * 2 * 4);
  CHECK(PackedMatrix(WeightFormat::bf16, 17, 33).bytes() == 2 * 16 * 64 * 2);
  CHECK(PackedMatrix(WeightFormat::int8, 16, 65).bytes() == 16 * (128 + 2 * 2));  // two scales for each output
  for (const WeightFormat format : kPackedFormats)
    for (const Index out : {0, 1, 16, 17, 896})
      for (const Index in : {1, 31, 32, 33, 64, 65, 896}) {
        const PackedMatrix matrix(format, out, in);
        CAPTURE(name_of(format));
        CAPTURE(out);
        CAPTURE(in);
        CHECK(matrix.bytes() == PackedMatrix::bytes_of(format, out, in));
        CHECK(matrix.panels() == (out + 15) / 16);
        const Index multiple = format == WeightFormat::f32 ? 1 : format == WeightFormat::bf16 ? 32 : 64;
        CHECK(matrix.padded_in() % multiple == 0);
        CHECK(matrix.padded_in() - in < multiple);
        CHECK(matrix.padded_in() >= in);
      }
  CHECK(PackedMatrix().bytes() == 0);
}

namespace {
/// Checks the panels of a matrix of 17 outputs and `in` inputs: a lane of 32 bits holds adjacent elements of type T,
/// and padding is `zero`.
template <class T>
void check_panels(WeightFormat format, Index in, float zero) {
  Threads threads(1);
  PackedMatrix matrix(format, 17, in);
  pack(matrix, Dtype::f32, 0, 17, threads);
  CHECK(matrix.panels() == 2);
  constexpr Index kInputsPerLane = 4 / sizeof(T);
  bool equal = true;
  for (Index panel = 0; panel < 2; ++panel)
    for (Index k = 0; k < matrix.padded_in(); ++k)
      for (Index lane = 0; lane < 16; ++lane) {
        const T found = matrix.panel<T>(panel)[(k / kInputsPerLane * 16 + lane) * kInputsPerLane + k % kInputsPerLane];
        const Index r = panel * 16 + lane;
        equal &= static_cast<float>(found) == zero + (r < 17 && k < in ? element(r, k) : 0.0f);
      }
  CAPTURE(name_of(format));
  CHECK(equal);
}
}  // namespace

TEST_CASE("panels are [in, 16], in bf16 [in / 2, 16, 2] and in int8 [in / 4, 16, 4], padded with zeros") {
  check_panels<float>(WeightFormat::f32, 3, 0);
  check_panels<BF16>(WeightFormat::bf16, 33, 0);
  check_panels<std::uint8_t>(WeightFormat::int8, 66, 128);
}

TEST_CASE("int8 scales are [groups, 16] in each panel, and zero for padding") {
  Threads threads(1);
  PackedMatrix matrix(WeightFormat::int8, 18, 130);
  std::vector<float> weights(18 * 130);
  for (std::size_t r = 0; r < 18; ++r)
    for (std::size_t k = 0; k < 130; ++k)  // the largest of a group is 127 times a power of two
      weights[r * 130 + k] = std::ldexp(k % 64 == 1 ? -127.0f : 1.0f, static_cast<int>(r % 5 + k / 64));
  pack(matrix, weights, threads);
  CHECK(matrix.groups() == 3);
  for (Index panel = 0; panel < 2; ++panel)
    for (Index g = 0; g < 3; ++g)
      for (Index lane = 0; lane < 16; ++lane) {
        const Index r = panel * 16 + lane;
        CHECK(static_cast<float>(matrix.scales(panel)[g * 16 + lane]) ==
              (r < 18 ? std::ldexp(1.0f, static_cast<int>(r % 5 + g)) : 0.0f));
      }
  for (Index r = 0; r < 18; ++r)
    CHECK(std::equal(weights.begin() + r * 130, weights.begin() + (r + 1) * 130, row_of(matrix, r).begin()));
}

TEST_CASE("an int8 weight is within half a step of the packed one, and a step is the largest / 127 in bf16") {
  Threads threads(1);
  for (const float size : {1e-30f, 1.0f, 1e30f}) {
    PackedMatrix matrix(WeightFormat::int8, 20, 200);
    auto weights = kvx_test::random_floats(20 * 200, 5);
    for (float& weight : weights) weight *= size;
    pack(matrix, weights, threads);
    bool near = true;
    for (Index r = 0; r < 20; ++r) {
      const auto row = row_of(matrix, r);
      for (Index g = 0; g < 4; ++g) {
        const double step{static_cast<float>(matrix.scales(r / 16)[g * 16 + r % 16])};
        double largest = 0;
        for (Index k = 64 * g; k < std::min<Index>(200, 64 * (g + 1)); ++k) {
          const double weight{weights[static_cast<std::size_t>(r * 200 + k)]};
          largest = std::max(largest, std::abs(weight));
          // Up to 127 steps are computed in float, with two roundings.
          near &= std::abs(double{row[static_cast<std::size_t>(k)]} - weight) <= (0.5 + 128 * 2 * 0x1p-24) * step;
        }
        near &= std::abs(step * 127 - largest) <= 1.0001 * 0x1p-8 * largest;
      }
    }
    CAPTURE(size);
    CHECK(near);
  }
}

TEST_CASE("in int8, groups of zeros stay zeros, and groups too small for a scale become zeros") {
  Threads threads(1);
  for (const float weight : {0.0f, -0.0f, 1e-44f, -1e-40f, 1e-37f}) {
    PackedMatrix matrix(WeightFormat::int8, 1, 130);
    std::vector<float> weights(130, weight);
    weights[3] = 0;
    weights[129] = 127;
    weights[128] = -127;
    pack(matrix, weights, threads);
    auto expected = weights;
    std::fill(expected.begin(), expected.begin() + 128, 0.0f);
    CAPTURE(weight);
    CHECK(row_of(matrix, 0) == expected);
  }
}

TEST_CASE("infinities and NaN are refused from every source in every format, with the first row that has one") {
  constexpr Index kRows = 300, kColumns = 70;
  Threads threads(2);
  for (const Dtype dtype : {Dtype::f32, Dtype::f16, Dtype::bf16})
    for (const WeightFormat format : kPackedFormats)
      for (const float bad : {std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity(),
                              std::numeric_limits<float>::quiet_NaN()})
        for (const Index place : {0, 69, 70 * 250 + 63, 70 * 299 + 69}) {
          std::vector<float> weights(kRows * kColumns, 1.0f);
          weights[static_cast<std::size_t>(place)] = weights.back() = bad;
          std::vector<std::byte> bytes;
          visit(dtype, [&]<class T>(T) {
            const std::vector<T> values(weights.begin(), weights.end());
            const auto raw = std::as_bytes(std::span(values));
            bytes.assign(raw.begin(), raw.end());
          });
          PackedMatrix matrix(format, kRows, kColumns);
          CHECK(error_of([&] { matrix.pack(0, kRows, dtype, bytes, threads, "file: tensor w"); })
                    .starts_with("file: tensor w: row " + std::to_string(place / kColumns) + ", column " +
                                 std::to_string(place % kColumns) + ": expected a finite " +
                                 std::string(name_of(format)) + " weight, found "));
        }
}

TEST_CASE("a number that becomes an infinity in bf16 is refused only in this format") {
  Threads threads(1);
  const float largest = std::bit_cast<float>(0x7f7f7fff), over = std::bit_cast<float>(0x7f7f8000);
  for (const WeightFormat format : kPackedFormats)
    for (const float weight : {largest, over, -over}) {
      PackedMatrix matrix(format, 1, 2);
      const std::string error = error_of([&] { pack(matrix, {1, weight}, threads); });
      CAPTURE(weight);
      if (format == WeightFormat::bf16 && weight != largest)
        CHECK(error.starts_with("weights: row 0, column 1: expected a finite bf16 weight, found "));
      else
        CHECK(error == "");
      if (error.empty()) CHECK(std::isfinite(row_of(matrix, 0)[1]));
    }
}

TEST_CASE("a bf16 matrix rounds f32 weights to the nearest bf16") {
  Threads threads(1);
  PackedMatrix matrix(WeightFormat::bf16, 1, 2);
  pack(matrix, {1.0f + 0x1p-8f, 1.0f + 0x3p-8f}, threads);
  CHECK(row_of(matrix, 0) == std::vector<float>{1.0f, 1.0f + 0x2p-7f});
}

TEST_CASE("a format is parsed from its name, and other names are refused") {
  for (const WeightFormat format : kPackedFormats) CHECK(parse_weight_format(name_of(format)) == format);
  CHECK(name_of(WeightFormat::int8) == "int8");
  CHECK(error_of([] { (void)parse_weight_format("f16"); }) == "weights: expected bf16, f32 or int8, found f16");
}
