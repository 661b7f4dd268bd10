#include <kvx/core/line_allocator.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <numeric>
#include <utility>

using kvx::LineVector;

namespace {
template <class T>
bool is_aligned(const LineVector<T>& memory, std::size_t alignment) {
  return reinterpret_cast<std::uintptr_t>(memory.data()) % alignment == 0;
}
}  // namespace

TEST_CASE("memory is aligned to cache lines, and large memory to huge pages") {
  for (std::size_t count = 1; count < 3000; count = count * 3 + 1) {
    CHECK(is_aligned(LineVector<char>(count), 64));
    CHECK(is_aligned(LineVector<double>(count), 64));
  }
  constexpr std::size_t kHugePage = std::size_t{1} << 21;
  CHECK(is_aligned(LineVector<char>(8 * kHugePage), kHugePage));
  CHECK(is_aligned(LineVector<float>(2 * kHugePage + 1), kHugePage));
}

TEST_CASE("elements have their given values, and keep them when the memory grows, is moved or is copied") {
  LineVector<int> numbers(1000, 7);
  CHECK(std::accumulate(numbers.begin(), numbers.end(), 0) == 7000);
  std::iota(numbers.begin(), numbers.end(), 0);
  LineVector<int> moved = std::move(numbers);
  moved.reserve(std::size_t{1} << 23);  // from cache lines to huge pages
  const LineVector<int> copy = moved;
  for (int i = 0; i < 1000; ++i) CHECK(copy[static_cast<std::size_t>(i)] == i);
}

TEST_CASE("elements that are added without a value are not written") {
  LineVector<unsigned char> bytes(100, 9);
  bytes.clear();
  bytes.resize(100);
  CHECK(bytes == LineVector<unsigned char>(100, 9));
}
