#pragma once

#include <kvx/core/tensor_view.hpp>
#include <kvx/core/threads.hpp>
#include <kvx/kernels/isa.hpp>
#include <kvx/kernels/matmul_bf16.hpp>
#include <kvx/kernels/simd.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>

namespace kvx::inline v0 {

namespace detail {

/// Independent chains of multiply-adds in registers: enough of them to hide a unit's latency on two units.
inline constexpr int kPeakChains = 12;

template <int kLanes>
[[gnu::always_inline]] inline float multiply_add_chains(Index rounds) {
  using Float = typename Lanes<kLanes>::Float;
  // Sums that begin apart and feed their own product, so that no two chains and no two rounds are the same work.
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

/// A path's loop, and what one round of it does.
struct PeakLoop {
  float (*run)(Index rounds);
  double flops;
};

inline float peak_portable(Index rounds) { return multiply_add_chains<4>(rounds); }
#if defined(__x86_64__)
[[gnu::target("avx2,fma")]] inline float peak_avx2(Index rounds) { return multiply_add_chains<8>(rounds); }
[[gnu::target("avx512f,avx512bw,avx512vl,fma")]] inline float peak_avx512(Index rounds) {
  return multiply_add_chains<16>(rounds);
}
[[gnu::target("avx512f,avx512bw,avx512vl,avx512bf16,fma")]] inline float peak_avx512bf16(Index rounds) {
  using S = Simd<16>;
  const S::Bits ones = S::Bits{} + 0x3f803f80u;  // pairs of 1 in bf16
  S::Float sum[std::size_t{kPeakChains}];
#pragma GCC unroll 16
  for (int c = 0; c < kPeakChains; ++c) sum[c] = S::Float{} + static_cast<float>(c);
  for (Index i = 0; i < rounds; ++i)
#pragma GCC unroll 16
    for (int c = 0; c < kPeakChains; ++c) asm("vdpbf16ps %1, %1, %0" : "+v"(sum[c]) : "v"(ones));
  for (int c = 1; c < kPeakChains; ++c) sum[0] += sum[c];
  return sum[0][0];
}
inline float peak_amx(Index rounds) {
  AmxTiles tiles;
  for (Index i = 0; i < rounds; ++i) {
    tiles.multiply<0, 4, 6>();
    tiles.multiply<1, 4, 7>();
    tiles.multiply<2, 5, 6>();
    tiles.multiply<3, 5, 7>();
  }
  return 0;
}
#endif

inline PeakLoop peak_loop(Isa path) {
#if defined(__x86_64__)
  if (path == Isa::amx) return {peak_amx, 2.0 * 16 * 16 * 32 * 4};
  if (path == Isa::avx512bf16) return {peak_avx512bf16, 2.0 * 2 * 16 * kPeakChains};
  if (path == Isa::avx512) return {peak_avx512, 2.0 * 16 * kPeakChains};
  if (path == Isa::avx2) return {peak_avx2, 2.0 * 8 * kPeakChains};
#endif
  (void)path;
  return {peak_portable, 2.0 * 4 * kPeakChains};
}

}  // namespace detail

/// What a path's own dot product comes to at most, in GFLOPS: all `threads` at once run the instructions that the
/// path's matrix products are made of, on registers alone. Takes about 0.3 s and counts the best part of it. `path`
/// must be one of available_isas().
inline double peak_gflops(Isa path, Threads& threads) {
  using Clock = std::chrono::steady_clock;
  constexpr double kSeconds = 0.3, kPart = 0.03;
  const detail::PeakLoop loop = detail::peak_loop(path);
  const Index pieces = 4 * threads.count();  // so that a thread that begins late does fewer
  double best = 0, total = 0;
  for (Index rounds = 1 << 12; total < kSeconds;) {
    const auto start = Clock::now();
    threads.parallel_for(pieces, 1, [&](Index first, Index last) {
      [[maybe_unused]] volatile float sum = loop.run((last - first) * rounds);
    });
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    best = std::max(best, loop.flops * static_cast<double>(pieces * rounds) / seconds * 1e-9);
    total += seconds;
    if (seconds < kPart) rounds *= 2;
  }
  return best;
}

}  // namespace kvx::inline v0
