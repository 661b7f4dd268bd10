#include <kvx/core/scratch.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <thread>

using kvx::detail::scratch;

namespace {
struct One;
struct Other;
}  // namespace

TEST_CASE("a thread gets the same memory again for the same use, and larger memory when it asks for more") {
  float* const memory = scratch<One, float>(1000);
  std::fill(memory, memory + 1000, 3.0f);
  CHECK(scratch<One, float>(1000) == memory);
  CHECK(scratch<One, float>(10) == memory);
  CHECK(std::count(memory, memory + 1000, 3.0f) == 1000);
  float* const more = scratch<One, float>(100000);
  std::fill(more, more + 100000, 4.0f);
  CHECK(scratch<One, float>(1000) == more);
  CHECK(reinterpret_cast<std::uintptr_t>(more) % 64 == 0);
}

TEST_CASE("each use, type and thread has its own memory") {
  float* const floats = scratch<One, float>(10);
  int* const ints = scratch<One, int>(10);
  float* const others = scratch<Other, float>(10);
  std::fill(floats, floats + 10, 1.0f);
  std::fill(ints, ints + 10, 2);
  std::fill(others, others + 10, 3.0f);
  std::thread([] {
    float* const in_thread = scratch<One, float>(10);
    std::fill(in_thread, in_thread + 10, 4.0f);
  }).join();
  CHECK(std::count(floats, floats + 10, 1.0f) == 10);
  CHECK(std::count(ints, ints + 10, 2) == 10);
  CHECK(std::count(others, others + 10, 3.0f) == 10);
}
