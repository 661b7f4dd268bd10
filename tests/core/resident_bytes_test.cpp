#include <kvx/core/resident_bytes.hpp>

#include <doctest/doctest.h>
#include <sys/mman.h>

#include <cstddef>
#include <cstring>
#include <vector>

#include "support/sanitized.hpp"

using namespace kvx;

namespace {

constexpr std::size_t kMega = std::size_t{1} << 20;

}  // namespace

TEST_CASE("The bytes in memory grow when memory is written, and shrink when it is unmapped" *
          doctest::skip(kvx_test::kSanitized)) {
  constexpr std::size_t kSize = 64 * kMega;
  const std::size_t before = resident_bytes();
  void* const memory = ::mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  REQUIRE(memory != MAP_FAILED);
  CHECK(resident_bytes() < before + kSize / 8);  // not written yet
  std::memset(memory, 1, kSize);
  const std::size_t written = resident_bytes();
  CHECK(written > before + kSize - kSize / 8);
  CHECK(written < before + kSize + kSize / 8);
  ::munmap(memory, kSize);
  CHECK(resident_bytes() < before + kSize / 8);
}

TEST_CASE("Free memory on the heap does not count" * doctest::skip(kvx_test::kSanitized)) {
  const std::size_t before = resident_bytes();
  std::vector<std::vector<char>> blocks;
  for (int i = 0; i < 4000; ++i) blocks.emplace_back(16'000, 'x');
  CHECK(resident_bytes() > before + 60 * kMega);
  blocks.erase(blocks.begin(), blocks.end() - 1);  // the last block stays, so that the heap cannot shrink at its end
  CHECK(resident_bytes() < before + 8 * kMega);
}
