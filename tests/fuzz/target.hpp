#pragma once

#include <kvx/core/error.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

/// A fuzz target defines these two functions. libFuzzer calls the first one, too.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
/// Small valid inputs from which mutations start.
std::vector<std::string> seeds();

/// The number of accepted inputs, for the mutator.
inline long accepted = 0;

inline void require(bool condition) {
  if (!condition) std::abort();
}

/// Runs a reader. To refuse its input, it may only throw a kvx::Error with one line of text.
template <class F>
void feed(F&& read) {
  try {
    read();
    ++accepted;
  } catch (const kvx::Error& error) {
    require(std::string_view(error.what()).find('\n') == std::string_view::npos);
  }
}
