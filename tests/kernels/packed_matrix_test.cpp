#include <kvx/kernels/packed_matrix.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <span>
#include <vector>

using namespace kvx;

namespace {
/// Element (r, k) of every source here; exact in each dtype.
float element(Index r, Index k) { return static_cast<float>(8 * r - k); }

/// Rows [first, first + rows) as `dtype`, one byte off any alignment: the last rows * in * size_of(dtype) bytes.
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

void check_rows(const PackedMatrix& matrix) {
  std::vector<float> row(static_cast<std::size_t>(matrix.in()));
  bool equal = true;
  for (Index r = 0; r < matrix.out(); ++r) {
    matrix.row(r, row.data());
    for (Index k = 0; k < matrix.in(); ++k) equal &= row[static_cast<std::size_t>(k)] == element(r, k);
  }
  CHECK(equal);
}
}  // namespace

TEST_CASE("a row comes back as it was packed, from unaligned sources of every type") {
  Threads threads(2);
  for (const Dtype to : {Dtype::f32, Dtype::bf16})
    for (const Dtype from : {Dtype::f32, Dtype::f16, Dtype::bf16})
      for (const Index out : {1, 15, 16, 17, 30}) {  // 8 r - k has at most 8 significant bits
        PackedMatrix matrix(to, out, 7);
        pack(matrix, from, 0, out, threads);
        CAPTURE(name_of(to));
        CAPTURE(name_of(from));
        CAPTURE(out);
        check_rows(matrix);
      }
}

TEST_CASE("several sources fill one matrix, each from its own row on") {
  Threads threads(1);
  PackedMatrix matrix(Dtype::f32, 200, 3);
  pack(matrix, Dtype::bf16, 13, 5, threads);
  pack(matrix, Dtype::f32, 18, 182, threads);
  pack(matrix, Dtype::f16, 0, 13, threads);
  check_rows(matrix);
}

TEST_CASE("panels are [in, 16], or [in / 2, 16, 2] in bf16, and padded with zeros") {
  Threads threads(1);
  PackedMatrix matrix(Dtype::f32, 19, 2);
  pack(matrix, Dtype::f32, 0, 19, threads);
  CHECK(matrix.panels() == 2);
  CHECK(matrix.bytes() == 2 * 16 * 2 * 4);
  PackedMatrix half(Dtype::bf16, 17, 3);
  pack(half, Dtype::f32, 0, 17, threads);
  CHECK(half.bytes() == 2 * 16 * 4 * 2);
  for (Index k = 0; k < 4; ++k)
    for (Index lane = 0; lane < 16; ++lane) {
      const auto at = [&](Index panel) {
        return static_cast<float>(half.panel<BF16>(panel)[(k / 2 * 16 + lane) * 2 + k % 2]);
      };
      CHECK(at(0) == (k < 3 ? element(lane, k) : 0));
      CHECK(at(1) == (k < 3 && lane == 0 ? element(16, k) : 0));
    }
  for (Index k = 0; k < 2; ++k)
    for (Index lane = 0; lane < 16; ++lane) {
      CHECK(matrix.panel<float>(0)[16 * k + lane] == element(lane, k));
      CHECK(matrix.panel<float>(1)[16 * k + lane] == (lane < 3 ? element(16 + lane, k) : 0));
    }
}

TEST_CASE("a bf16 matrix rounds f32 weights to the nearest") {
  Threads threads(1);
  PackedMatrix matrix(Dtype::bf16, 1, 2);
  const float weights[] = {1.0f + 0x1p-8f, 1.0f + 0x3p-8f};
  matrix.pack(0, 1, Dtype::f32, std::as_bytes(std::span(weights)), threads);
  float row[2];
  matrix.row(0, row);
  CHECK(row[0] == 1.0f);
  CHECK(row[1] == 1.0f + 0x2p-7f);
}

TEST_CASE("a matrix of no size takes no memory") { CHECK(PackedMatrix().bytes() == 0); }
