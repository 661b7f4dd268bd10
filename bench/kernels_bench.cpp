// Matrix products and attention rows of Qwen2.5-0.5B's shapes, on every path that the CPU can run. A path's share of
// the machine is GFLOPS = 2 * rows * in * out / time.
#include <catch2/catch.hpp>
#include <kvx/kernels/matmul.hpp>
#include <kvx/kernels/row_kernels.hpp>

#include <algorithm>
#include <span>
#include <string>
#include <vector>

namespace {

using namespace kvx;

TEST_CASE("matrix products") {
  Threads threads;
  constexpr Index kIn = 896, kOut = 9728;
  const std::vector<float> source(static_cast<std::size_t>(kIn * kOut), 0.01f);
  for (const Dtype dtype : {Dtype::f32, Dtype::bf16}) {
    PackedMatrix weights(dtype, kOut, kIn);
    weights.pack(0, kOut, Dtype::f32, std::as_bytes(std::span(source)), threads);
    for (const Isa path : available_isas())
      for (const Index rows : {1, 16, 256}) {
        const Matrix<float> x = Matrix<float>::Ones(rows, kIn);
        Matrix<float> y(rows, kOut);
        BENCHMARK("matmul " + std::string(name_of(dtype)) + " " + std::string(name_of(path)) + " [" +
                  std::to_string(rows) + ", 896] x [896, 9728]") {
          matmul(view(x), weights, {}, view(y), threads, path);
          return y(0, 0);
        };
        CHECK(y(rows - 1, kOut - 1) == Approx(8.96).epsilon(0.01));
      }
  }
}

TEST_CASE("attention of one query over 4096 rows") {
  const Matrix<float> rows = Matrix<float>::Ones(4096, 64);
  const std::vector<float> query(64, 0.1f);
  std::vector<float> scores(4096), out(64);
  for (const Isa path : available_isas()) {
    BENCHMARK("attention f32 " + std::string(name_of(path)) + " [1, 64] x [64, 4096]") {
      row_kernels(path).dot_rows(query.data(), view(rows), 0.125f, scores.data());
      row_kernels(path).softmax(scores.data(), 4096);
      std::fill(out.begin(), out.end(), 0.0f);
      row_kernels(path).weighted_sum(scores.data(), view(rows), out.data());
      return out[0];
    };
    CHECK(out[63] == Approx(1));
  }
}

}  // namespace
