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
#include <vector>

namespace kvx::inline v0 {

/// The name of the CPU as /proc/cpuinfo states it.
inline std::string cpu_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (const auto colon = line.find(": "); line.starts_with("model name") && colon != line.npos)
      return line.substr(colon + 2);
  return "unknown CPU";
}

namespace detail {

inline constexpr std::size_t kReadLine = 64;

/// The XOR of all 32-bit words of `data`. `bytes` is a multiple of a cache line. The data is read in kStreams streams,
/// with registers of kLanes lanes. Prefetching 1 KiB ahead lets a core read at its full rate (measured: 18 GB/s instead
/// of 16), since the CPU's own prefetcher stops at the end of each page. Matrix products of few rows do the same.
template <int kLanes, int kStreams>
[[gnu::always_inline]] inline std::uint32_t read_all(const std::byte* data, std::size_t bytes) {
  using Bits = typename Lanes<kLanes>::Bits;
  constexpr std::size_t kAhead = 1024;
  const std::size_t part = bytes / (kStreams * kReadLine) * kReadLine;
  Bits sum[std::size_t{kStreams}] = {}, next;
  const auto add_line = [&](int stream, const std::byte* line) __attribute__((always_inline)) {
    __builtin_prefetch(line + kAhead);
#pragma GCC unroll 4
    for (std::size_t at = 0; at < kReadLine; at += sizeof next) {
      std::memcpy(&next, line + at, sizeof next);
      sum[stream] ^= next;
    }
  };
  for (std::size_t at = 0; at < part; at += kReadLine)
#pragma GCC unroll 4
    for (int s = 0; s < kStreams; ++s) add_line(s, data + static_cast<std::size_t>(s) * part + at);
  for (std::size_t at = kStreams * part; at < bytes; at += kReadLine) add_line(0, data + at);
  for (int s = 1; s < kStreams; ++s) sum[0] ^= sum[s];
  std::uint32_t all = 0;
  for (int i = 0; i < kLanes; ++i) all ^= sum[0][i];
  return all;
}

template <int kStreams>
struct ReadJob {
  const std::byte* data;
  std::size_t bytes;
  std::uint32_t* sum;

  template <class Path>
  [[gnu::always_inline]] void run() const {
    *sum = read_all<Path::lanes, kStreams>(data, bytes);
  }
};

using ReadLoop = std::uint32_t (*)(const std::byte* data, std::size_t bytes);

/// read_all() with the widest registers of this CPU, whatever kernel path is chosen, because the result is a limit of
/// the machine.
template <int kStreams>
std::uint32_t read_widest(const std::byte* data, std::size_t bytes) {
  std::uint32_t sum = 0;
  run_on(available_isas().back(), ReadJob<kStreams>{data, bytes, &sum});
  return sum;
}

/// CPUs differ in the number of streams that they read fastest. The second loop has three streams because with two or
/// four their distances could be powers of two, and their lines would compete for the same sets of a cache.
inline std::vector<ReadLoop> read_loops() { return {read_widest<1>, read_widest<3>}; }

}  // namespace detail

/// The rate at which all `threads` together read memory, in bytes per second. Reads `size` bytes (rounded up to 256
/// KiB) several times with each loop, in parts of 128 MiB. The fastest part counts, because other work on the machine
/// slows parts down and never speeds one up. For the limit of reading weights, pass the size of the weights, because
/// caches may hold a part of the weights and of this buffer alike.
inline double read_bandwidth(Threads& threads, std::size_t size = std::size_t{1} << 30) {
  using Clock = std::chrono::steady_clock;
  constexpr std::size_t kUnit = std::size_t{1} << 18, kUnitsPerPart = 512;
  constexpr int kPasses = 2;
  const std::size_t units = (size + kUnit - 1) / kUnit;
  LineVector<std::byte> data(units * kUnit);  // in huge pages, so that address translation is not measured, too
  const auto each_thread = [&](std::size_t first, std::size_t count, auto&& body) {
    threads.parallel_for(static_cast<Index>(count), 1, [&](Index begin, Index end) {
      body(data.data() + (first + static_cast<std::size_t>(begin)) * kUnit,
           static_cast<std::size_t>(end - begin) * kUnit);
    });
  };
  each_thread(0, units, [](std::byte* part, std::size_t bytes) { std::memset(part, 1, bytes); });
  double best = 0;
  for (int pass = 0; pass < kPasses; ++pass)
    for (const detail::ReadLoop read : detail::read_loops())
      for (std::size_t first = 0; first < units; first += kUnitsPerPart) {
        const std::size_t count = std::min(kUnitsPerPart, units - first);
        const auto start = Clock::now();
        each_thread(first, count, [&](const std::byte* part, std::size_t bytes) {
          [[maybe_unused]] volatile std::uint32_t sum = read(part, bytes);
        });
        const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
        best = std::max(best, static_cast<double>(count * kUnit) / seconds);
      }
  return best;
}

}  // namespace kvx::inline v0
