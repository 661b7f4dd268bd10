#pragma once

#include <kvx/core/line_allocator.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/core/threads.hpp>
#include <kvx/kernels/isa.hpp>
#include <kvx/kernels/paths.hpp>
#include <kvx/kernels/simd.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <string>

namespace kvx::inline v0 {

/// The CPU's name for itself.
inline std::string cpu_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (const auto colon = line.find(": "); line.starts_with("model name") && colon != line.npos)
      return line.substr(colon + 2);
  return "unknown CPU";
}

namespace detail {

/// All of `bytes` bytes, in four streams beside each other and in registers of kLanes lanes: a core waits for memory
/// less when it knows of more lines to come.
template <int kLanes>
[[gnu::always_inline]] inline std::uint32_t read_all(const std::byte* data, std::size_t bytes) {
  using Bits = typename Lanes<kLanes>::Bits;
  constexpr std::size_t kStreams = 4;
  const std::size_t part = bytes / kStreams;
  Bits sum[kStreams] = {}, next;
  for (std::size_t at = 0; at + sizeof next <= part; at += sizeof next)
    for (std::size_t s = 0; s < kStreams; ++s) {
      std::memcpy(&next, data + s * part + at, sizeof next);
      sum[s] ^= next;
    }
  for (std::size_t s = 1; s < kStreams; ++s) sum[0] ^= sum[s];
  std::uint32_t all = 0;
  for (int i = 0; i < kLanes; ++i) all ^= sum[0][i];
  return all;
}

struct ReadJob {
  const std::byte* data;
  std::size_t bytes;
  std::uint32_t* sum;

  template <class Path>
  [[gnu::always_inline]] void run() const {
    *sum = read_all<Path::lanes>(data, bytes);
  }
};

/// With the widest registers that this CPU has, whatever path is chosen: the limit is the machine's.
inline std::uint32_t read_widest(const std::byte* data, std::size_t bytes) {
  std::uint32_t sum = 0;
  run_on(available_isas().back(), ReadJob{data, bytes, &sum});
  return sum;
}

}  // namespace detail

/// How fast all `threads` together read memory, in bytes per second: the best of five passes over `size` bytes (rounded
/// up to 2 MiB), which must be far more than the caches hold.
inline double read_bandwidth(Threads& threads, std::size_t size = std::size_t{1} << 30) {
  using Clock = std::chrono::steady_clock;
  constexpr std::size_t kPage = std::size_t{2} << 20;
  const std::size_t pages = (size + kPage - 1) / kPage, bytes = pages * kPage;
  LineVector<std::byte> data(bytes);  // in huge pages, or address translation is measured, too
  const auto each_part = [&](auto&& body) {
    threads.parallel_for(static_cast<Index>(pages), 1, [&](Index first, Index last) {
      body(data.data() + static_cast<std::size_t>(first) * kPage, static_cast<std::size_t>(last - first) * kPage);
    });
  };
  each_part([](std::byte* part, std::size_t part_bytes) { std::memset(part, 1, part_bytes); });
  double best = 0;
  for (int pass = 0; pass < 5; ++pass) {
    const auto start = Clock::now();
    each_part([](const std::byte* part, std::size_t part_bytes) {
      [[maybe_unused]] volatile std::uint32_t sum = detail::read_widest(part, part_bytes);
    });
    best = std::max(best, static_cast<double>(bytes) / std::chrono::duration<double>(Clock::now() - start).count());
  }
  return best;
}

}  // namespace kvx::inline v0
