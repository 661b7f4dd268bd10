// Benchmarks of matrix products and attention with the shapes of Qwen2.5-0.5B, on every path that the CPU can run.
#include <catch2/catch.hpp>
#include <kvx/kernels/attend.hpp>
#include <kvx/kernels/matmul.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "work.hpp"

namespace {

using namespace kvx;
using namespace kvx_bench;

std::string shape(Index rows, Index in, Index out) {
  return "[" + std::to_string(rows) + ", " + std::to_string(in) + "] x [" + std::to_string(in) + ", " +
         std::to_string(out) + "]";
}

void bench_matmul(const std::string& name, WeightFormat format, Index in, Index out) {
  constexpr std::size_t kBeyondCaches = std::size_t{512} << 20;
  Threads threads;
  const std::vector<float> ones(static_cast<std::size_t>(in * out), 1.0f);
  // As in a model, a matrix is no longer in the CPU's caches when it is used again.
  std::vector<PackedMatrix> weights;
  for (std::size_t bytes = 0; bytes < kBeyondCaches; bytes += weights.back().bytes()) {
    weights.emplace_back(format, out, in);
    weights.back().pack(0, out, Dtype::f32, std::as_bytes(std::span(ones)), threads);
  }
  const auto bytes = static_cast<double>(weights.front().bytes());
  for (const Isa path : format == WeightFormat::bf16 ? available_isas() : std::vector{isa()})
    for (const Index rows : {1, 16, 64, 512}) {
      if (rows == 512 && out > 100000) continue;  // logits are computed for few rows
      const auto flops = static_cast<double>(2 * rows * in * out);
      const std::string title =
          name + " " + std::string(name_of(format)) + " " + std::string(name_of(path)) + " " + shape(rows, in, out);
      const Matrix<float> x = Matrix<float>::Ones(rows, in);
      Matrix<float> y(rows, out);
      std::size_t turn = 0;
      const Isa limit = format == WeightFormat::f32 ? float_path(path) : path;
      BENCHMARK(rows == 1 ? reads(title, bytes, threads) : computes(title, flops, limit, threads)) {
        matmul(view(x), weights[turn++ % weights.size()], {}, view(y), threads, path);
        return y(0, 0);
      };
      CHECK(y(rows - 1, out - 1) == static_cast<float>(in));
    }
}

TEST_CASE("matrix products") {
  for (const WeightFormat format : {WeightFormat::bf16, WeightFormat::f32}) {
    bench_matmul("qkv", format, 896, 1152);
    bench_matmul("output", format, 896, 896);
    bench_matmul("gate_up", format, 896, 9728);
    bench_matmul("down", format, 4864, 896);
    bench_matmul("lm_head", format, 896, 151936);
  }
}

/// Attention of one KV head on one thread. Query i sees the first seen(i) rows.
template <class T, class Seen>
void bench_attend(const std::string& name, Index queries, Index rows, Seen&& seen) {
  constexpr Index kDim = 64;
  Threads one(1);
  const Matrix<T> cache = Matrix<T>::Constant(rows, kDim, T(1));
  const Matrix<float> query = Matrix<float>::Constant(queries, kDim, 0.1f);
  Matrix<float> out(queries, kDim);
  double flops = 0;
  for (Index i = 0; i < queries; ++i) flops += static_cast<double>(4 * seen(i) * kDim);
  for (const Isa path : available_isas()) {
    const std::string title = name + " " + std::string(name_of(dtype_of<T>)) + " " + std::string(name_of(path)) + " " +
                              shape(queries, kDim, rows);
    BENCHMARK(computes(title, flops, float_path(path), one)) {
      std::vector<AttentionQuery> batch;
      out.setZero();
      for (Index i = 0; i < queries; ++i) batch.push_back({query.row(i).data(), out.row(i).data(), seen(i)});
      attend<T>(batch, view(cache), view(cache), 0.125f, path);
      finish_attention(batch, kDim);
      return out(0, 0);
    };
    CHECK(out(queries - 1, kDim - 1) == Approx(1));
  }
}

TEST_CASE("attention") {
  bench_attend<BF16>("decode attention", 64 * 7, 1024, [](Index) { return Index{1024}; });
  bench_attend<float>("prefill attention", 32 * 7, 4096, [](Index i) { return 4096 - 31 + i % 32; });
}

}  // namespace
