#include <kvx/core/dtype.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/core/threads.hpp>
#include <kvx/eval/machine.hpp>
#include <kvx/kernels/isa.hpp>
#include <kvx/kernels/matmul.hpp>
#include <kvx/kernels/packed_matrix.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

TEST_CASE("a read takes in every word of its bytes") {
  std::vector<std::byte> bytes(4096);
  for (std::size_t at = 0; at < bytes.size(); at += sizeof(std::uint32_t)) {
    const std::uint32_t word = 0x12345678u + static_cast<std::uint32_t>(at);
    std::memcpy(bytes.data() + at, &word, sizeof word);
    for (const auto read : kvx::detail::read_loops()) CHECK(read(bytes.data(), bytes.size()) == word);
    CHECK(kvx::detail::read_portable<1>(bytes.data(), bytes.size()) == word);
    CHECK(kvx::detail::read_portable<3>(bytes.data(), bytes.size()) == word);
    std::memset(bytes.data() + at, 0, sizeof word);
  }
}

TEST_CASE("memory has a read bandwidth") {
  kvx::Threads threads(2);
  const double bandwidth = kvx::read_bandwidth(threads, 5 << 20);
  CHECK(bandwidth > 0);
  CHECK(std::isfinite(bandwidth));
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;  // the checks slow the two loops down in different ways
#else
constexpr bool kSanitized = false;
#endif

TEST_CASE("no product with one row reads its weights faster than memory can be read" * doctest::skip(kSanitized)) {
  using Clock = std::chrono::steady_clock;
  constexpr kvx::Index kIn = 1024, kOut = 32768;
  kvx::Threads threads(2);
  kvx::PackedMatrix weights(kvx::WeightFormat::bf16, kOut, kIn);
  const std::vector<float> ones(static_cast<std::size_t>(kOut * kIn), 1.0f);
  weights.pack(0, kOut, kvx::Dtype::f32, std::as_bytes(std::span(ones)), threads);
  const kvx::Matrix<float> x = kvx::Matrix<float>::Ones(1, kIn);
  kvx::Matrix<float> y(1, kOut);
  double read = 0, product = 0;
  // Other work on the machine slows a round of either down; a product that really is faster stays so.
  for (int round = 0; round < 3 || (product > read && round < 20); ++round) {
    for (const kvx::Isa path : kvx::available_isas()) {
      const auto start = Clock::now();
      kvx::matmul(kvx::view(x), weights, {}, kvx::view(y), threads, path);
      const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
      product = std::max(product, static_cast<double>(weights.bytes()) / seconds);
    }
    read = std::max(read, kvx::read_bandwidth(threads, weights.bytes()));
  }
  CHECK(product <= read);
}

TEST_CASE("the CPU has a name of one line") {
  CHECK_FALSE(kvx::cpu_name().empty());
  CHECK(kvx::cpu_name().find('\n') == std::string::npos);
}
