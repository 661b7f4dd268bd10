#pragma once

#include <kvx/core/error.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

/// A fuzz target defines these two. The first is also what libFuzzer calls.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
/// Small good inputs to start from.
std::vector<std::string> seeds();

/// How many readings went well; the mutator watches it.
inline long accepted = 0;

inline void require(bool condition) {
  if (!condition) std::abort();
}

/// Runs a reader, which may refuse its input only by a kvx::Error of one line.
template <class F>
void feed(F&& read) {
  try {
    read();
    ++accepted;
  } catch (const kvx::Error& error) {
    require(std::string_view(error.what()).find('\n') == std::string_view::npos);
  }
}
