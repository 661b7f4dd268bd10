#include <kvx/core/threads.hpp>
#include <kvx/eval/speed/machine.hpp>
#include <kvx/kernels/isa.hpp>
#include <kvx/kernels/paths.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

TEST_CASE("a read loop reads every word of its bytes") {
  std::vector<std::byte> bytes(4096);
  for (std::size_t at = 0; at < bytes.size(); at += sizeof(std::uint32_t)) {
    const std::uint32_t word = 0x12345678u + static_cast<std::uint32_t>(at);
    std::memcpy(bytes.data() + at, &word, sizeof word);
    for (const auto read : kvx::detail::read_loops()) CHECK(read(bytes.data(), bytes.size()) == word);
    std::uint32_t portable = 0;
    kvx::detail::run_on(kvx::Isa::portable, kvx::detail::ReadJob<3>{bytes.data(), bytes.size(), &portable});
    CHECK(portable == word);
    std::memset(bytes.data() + at, 0, sizeof word);
  }
}

TEST_CASE("memory has a read bandwidth") {
  kvx::Threads threads(2);
  const double bandwidth = kvx::read_bandwidth(threads, 5 << 20);
  CHECK(bandwidth > 0);
  CHECK(std::isfinite(bandwidth));
}

TEST_CASE("the CPU's name is one line") {
  CHECK_FALSE(kvx::cpu_name().empty());
  CHECK(kvx::cpu_name().find('\n') == std::string::npos);
}
