#include <kvx/kernels/matmul.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <span>
#include <vector>

#include "support/random_floats.hpp"

using namespace kvx;
using kvx_test::random_floats;

namespace {
constexpr float kUntouched = 12345;

/// A random product with rows of x and y that lie apart.
struct Product {
  Index rows, in, out, x_stride, y_stride;
  PackedMatrix weights;
  std::vector<float> x, bias;

  Product(Dtype dtype, Index row_count, Index inputs, Index outputs, Threads& threads)
      : rows(row_count),
        in(inputs),
        out(outputs),
        x_stride(in + 3),
        y_stride(out + 5),
        weights(dtype, out, in),
        x(random_floats(static_cast<std::size_t>(rows * x_stride), 1)),
        bias(random_floats(static_cast<std::size_t>(out), 2)) {
    const auto w = random_floats(static_cast<std::size_t>(out * in), 3);
    weights.pack(0, out, Dtype::f32, std::as_bytes(std::span(w)), threads);
  }

  /// Rows [first, first + count) of y, with their stride.
  std::vector<float> run(Index first, Index count, bool with_bias, Threads& threads, Isa isa) const {
    std::vector<float> y(static_cast<std::size_t>(count * y_stride), kUntouched);
    matmul(view(x.data() + first * x_stride, count, in, x_stride), weights,
           with_bias ? std::span<const float>(bias) : std::span<const float>(), view(y.data(), count, out, y_stride),
           threads, isa);
    return y;
  }

  /// The largest error over its bound: each of in + 1 roundings moves a sum by half an ulp of what it can reach.
  double worst_error(bool with_bias, Threads& threads, Isa isa) const {
    const auto y = run(0, rows, with_bias, threads, isa);
    double worst = 0;
    std::vector<float> row(static_cast<std::size_t>(in));
    for (Index o = 0; o < y_stride; ++o) {
      if (o < out) weights.row(o, row.data());
      for (Index r = 0; r < rows; ++r) {
        const auto found = static_cast<double>(y[static_cast<std::size_t>(r * y_stride + o)]);
        if (o >= out) {
          worst = std::max(worst, found == double{kUntouched} ? 0.0 : 2.0);
          continue;
        }
        double sum = with_bias ? double{bias[static_cast<std::size_t>(o)]} : 0.0, reach = std::abs(sum);
        for (Index k = 0; k < in; ++k) {
          const double term =
              double{x[static_cast<std::size_t>(r * x_stride + k)]} * double{row[static_cast<std::size_t>(k)]};
          sum += term;
          reach += std::abs(term);
        }
        worst = std::max(worst, std::abs(found - sum) / (static_cast<double>(in + 1) * 0x1p-24 * reach));
      }
    }
    return worst;
  }
};
}  // namespace

TEST_CASE("every path is as near to the exact product as float sums are, and writes nothing else") {
  Threads threads(2);
  for (const Dtype dtype : {Dtype::f32, Dtype::bf16})
    for (const Index out : {1, 15, 16, 17, 63, 70, 129})
      for (const Index in : {1, 2, 3, 7, 31, 64, 70})
        for (Index rows = 1; rows <= 13; ++rows) {
          const Product product(dtype, rows, in, out, threads);
          for (const Isa isa : available_isas())
            for (const bool with_bias : {false, true}) {
              const double worst = product.worst_error(with_bias, threads, isa);
              if (worst <= 1) continue;
              CAPTURE(name_of(isa));
              CAPTURE(name_of(dtype));
              CAPTURE(rows);
              CAPTURE(in);
              CAPTURE(out);
              CAPTURE(with_bias);
              CHECK(worst <= 1);
            }
        }
}

TEST_CASE("a row of a batch has the same bits as that row alone, at every number of rows and threads") {
  Threads one(1), three(3);
  for (const Isa isa : available_isas())
    for (const Dtype dtype : {Dtype::f32, Dtype::bf16})
      for (const Index out : {17, 70, 2000}) {  // 2000 outputs are worth several threads
        const Product product(dtype, 13, 70, out, one);
        const auto batch = product.run(0, 13, true, three, isa);
        CHECK(batch == product.run(0, 13, true, one, isa));
        for (Index rows = 1; rows <= 13; ++rows)
          for (Index first = 0; first + rows <= 13; first += rows) {
            const auto part = product.run(first, rows, true, rows % 2 == 0 ? three : one, isa);
            const bool same =
                std::memcmp(part.data(), batch.data() + first * product.y_stride, part.size() * sizeof(float)) == 0;
            CAPTURE(name_of(isa));
            CAPTURE(rows);
            CAPTURE(first);
            CAPTURE(out);
            CHECK(same);
          }
      }
}

TEST_CASE("a product that one can see") {
  Threads threads(1);
  PackedMatrix weights(Dtype::bf16, 2, 3);
  const float w[] = {1, 2, 3, 4, 5, 6}, x[] = {1, 10, 100, 0, 0, 1}, bias[] = {0.5f, -0.5f};
  weights.pack(0, 2, Dtype::f32, std::as_bytes(std::span(w)), threads);
  for (const Isa isa : available_isas()) {
    std::vector<float> y(4);
    matmul(view(x, 2, 3, 3), weights, bias, view(y.data(), 2, 2, 2), threads, isa);
    CHECK(y == std::vector<float>{321.5f, 653.5f, 3.5f, 5.5f});
  }
}

TEST_CASE("a product of no rows does nothing") {
  Threads threads(1);
  const Product product(Dtype::f32, 1, 4, 20, threads);
  for (const Isa isa : available_isas()) CHECK(product.run(0, 0, true, threads, isa).empty());
}
