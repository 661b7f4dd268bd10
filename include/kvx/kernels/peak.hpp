#pragma once

#include <kvx/core/tensor_view.hpp>
#include <kvx/core/threads.hpp>
#include <kvx/kernels/isa.hpp>
#include <kvx/kernels/matmul_amx.hpp>
#include <kvx/kernels/paths.hpp>
#include <kvx/kernels/simd.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>

namespace kvx::inline v0 {

namespace detail {

/// The number of independent chains of multiply-adds in registers: enough to hide the latency of two execution units.
inline constexpr int kPeakChains = 12;

template <int kLanes>
[[gnu::always_inline]] inline float multiply_add_chains(Index rounds) {
  using Float = typename Lanes<kLanes>::Float;
  // Chains begin with different sums, and each round needs the previous one, so that the compiler can omit nothing.
  const Float half = Float{} + 0.5f, one = Float{} + 1.0f;
  Float sum[std::size_t{kPeakChains}];
#pragma GCC unroll 16
  for (int c = 0; c < kPeakChains; ++c) sum[c] = Float{} + static_cast<float>(c);
  for (Index i = 0; i < rounds; ++i)
#pragma GCC unroll 16
    for (int c = 0; c < kPeakChains; ++c) sum[c] = sum[c] * half + one;
  for (int c = 1; c < kPeakChains; ++c) sum[0] += sum[c];
  return sum[0][0];
}

/// Runs the instructions that a path multiplies floats with, only on registers.
struct FloatPeakJob {
  Index rounds;
  float* sum;

  template <class Path>
  [[gnu::always_inline]] void run() const {
    *sum = multiply_add_chains<Path::lanes>(rounds);
  }
};

/// Runs the instructions that a path multiplies bf16 weights and rounded rows with.
struct RoundedPeakJob {
  Index rounds;
  float* sum;

  template <class Path>
  [[gnu::always_inline]] void run() const;
};

#if defined(__x86_64__) && !defined(__clang__)  // see matmul_bf16.hpp
template <>
[[gnu::always_inline]] inline void RoundedPeakJob::run<Avx512Bf16Path>() const {
  using S = Simd<16>;
  const S::Bits ones = S::Bits{} + 0x3f803f80u;  // pairs of 1 in bf16
  S::Float sums[std::size_t{kPeakChains}];
#pragma GCC unroll 16
  for (int c = 0; c < kPeakChains; ++c) sums[c] = S::Float{} + static_cast<float>(c);
  for (Index i = 0; i < rounds; ++i)
#pragma GCC unroll 16
    for (int c = 0; c < kPeakChains; ++c) asm("vdpbf16ps %1, %1, %0" : "+v"(sums[c]) : "v"(ones));
  for (int c = 1; c < kPeakChains; ++c) sums[0] += sums[c];
  *sum = sums[0][0];
}
#endif
#if defined(__x86_64__)
template <>
[[gnu::always_inline]] inline void RoundedPeakJob::run<AmxPath>() const {
  AmxTiles tiles;
  for (Index i = 0; i < rounds; ++i) {
    tiles.multiply<0, 4, 6>();
    tiles.multiply<1, 4, 7>();
    tiles.multiply<2, 5, 6>();
    tiles.multiply<3, 5, 7>();
  }
}
#endif

/// Runs `rounds` rounds of a path's loop. Returns the sum of its chains, or 0 for AMX.
inline float run_peak(Isa path, Index rounds) {
  float sum = 0;
#if defined(__x86_64__)
  if (path == Isa::amx) {
    AmxPath::run(RoundedPeakJob{rounds, &sum});
    return sum;
  }
#if !defined(__clang__)
  if (path == Isa::avx512bf16) {
    Avx512Bf16Path::run(RoundedPeakJob{rounds, &sum});
    return sum;
  }
#endif
#endif
  run_on(path, FloatPeakJob{rounds, &sum});
  return sum;
}

/// The floating-point operations in one round of a path's loop.
inline double peak_flops(Isa path) {
  if (path == Isa::amx) return 2.0 * 16 * 16 * 32 * 4;
  const double lanes = path == Isa::avx2 ? 8 : path == Isa::portable || path == Isa::neon ? 4 : 16;
  return 2.0 * lanes * kPeakChains * (path == Isa::avx512bf16 ? 2 : 1);
}

}  // namespace detail

/// The highest speed that a path's matrix products can reach, in GFLOPS. All `threads` run the instructions of these
/// products at once, only on registers. Takes about 0.1 s, in parts of a few milliseconds. The fastest part counts, as
/// other work on the machine can slow some of them down. `path` must be one of available_isas().
inline double peak_gflops(Isa path, Threads& threads) {
  using Clock = std::chrono::steady_clock;
  constexpr double kSeconds = 0.1, kPartSeconds = 0.005;
  const Index pieces = 4 * threads.count();  // so that a thread that begins late processes fewer
  double best = 0, total = 0;
  for (Index rounds = 1 << 12; total < kSeconds;) {
    const auto start = Clock::now();
    threads.parallel_for(pieces, 1, [&](Index first, Index last) {
      [[maybe_unused]] volatile float sum = detail::run_peak(path, (last - first) * rounds);
    });
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    best = std::max(best, detail::peak_flops(path) * static_cast<double>(pieces * rounds) / seconds * 1e-9);
    total += seconds;
    if (seconds < kPartSeconds) rounds *= 2;
  }
  return best;
}

}  // namespace kvx::inline v0
