#pragma once

#include <kvx/kernels/amx_tiles.hpp>
#include <kvx/kernels/isa.hpp>

namespace kvx::inline v0::detail {

/// A path describes one instruction set: the lanes of its registers, the tile of sums (rows by panels of 16 outputs)
/// that fills its register file, and run(), the only function that is compiled for it. A job is a value with an
/// always-inlined `template <class Path> void run() const`, so that one source serves every path. run() is a template,
/// so that a program of many translation units can instantiate it in one of them.
struct PortablePath {
  static constexpr int lanes = 4, tile_rows = 3, tile_panels = 1, wide_rows = 3, wide_panels = 1;
  template <class Job>
  static void run(const Job& job) {
    job.template run<PortablePath>();
  }
};

#if defined(__aarch64__)
/// NEON is part of every aarch64 target: the portable loops with tiles for 32 registers.
struct NeonPath {
  static constexpr int lanes = 4, tile_rows = 6, tile_panels = 1, wide_rows = 6, wide_panels = 1;
  template <class Job>
  static void run(const Job& job) {
    job.template run<NeonPath>();
  }
};
#endif

#if defined(__x86_64__)
struct Avx2Path {
  static constexpr int lanes = 8, tile_rows = 6, tile_panels = 1, wide_rows = 6, wide_panels = 1;
  template <class Job>
  [[gnu::target("avx2,fma")]] static void run(const Job& job) {
    job.template run<Avx2Path>();
  }
};

struct Avx512Path {
  static constexpr int lanes = 16, tile_rows = 6, tile_panels = 4, wide_rows = 12, wide_panels = 2;
  template <class Job>
  [[gnu::target("avx512f,avx512bw,avx512vl,fma")]] static void run(const Job& job) {
    job.template run<Avx512Path>();
  }
};

/// Only for products with int8 weights.
struct Avx512VnniPath {
  static constexpr int lanes = 16;
  template <class Job>
  [[gnu::target("avx512f,avx512bw,avx512vl,avx512vnni,fma")]] static void run(const Job& job) {
    job.template run<Avx512VnniPath>();
  }
};

/// Only for products of bf16 weights and rounded rows.
struct Avx512Bf16Path {
  static constexpr int lanes = 16, tile_rows = 6, tile_panels = 4;
  template <class Job>
  [[gnu::target("avx512f,avx512bw,avx512vl,avx512bf16,fma")]] static void run(const Job& job) {
    job.template run<Avx512Bf16Path>();
  }
};

/// Only for products of bf16 weights and rounded rows, and for attention.
struct AmxPath {
  static constexpr int lanes = 16;
  using Tiles = AmxTiles;
  template <class Job>
  [[gnu::target("avx512f,avx512bw,avx512vl,fma")]] static void run(const Job& job) {
    job.template run<AmxPath>();
  }
};
#endif

/// Runs a job on `path`, or on avx512 if `path` extends it; only for jobs that exist for every path.
template <class Job>
void run_on(Isa path, const Job& job) {
  switch (path) {
#if defined(__aarch64__)
    case Isa::neon:
      return NeonPath::run(job);
#endif
#if defined(__x86_64__)
    case Isa::avx2:
      return Avx2Path::run(job);
    case Isa::avx512:
    case Isa::avx512bf16:
    case Isa::amx:
      return Avx512Path::run(job);
#endif
    default:
      return PortablePath::run(job);
  }
}

}  // namespace kvx::inline v0::detail
