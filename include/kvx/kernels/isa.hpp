#pragma once

#include <kvx/core/error.hpp>

#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include <algorithm>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace kvx::inline v0 {

/// The instruction sets that the inner loops are compiled for, which are called paths. On one path, a result has the
/// same bits for any batch and any number of threads. Results of different paths differ by rounding. All paths compute
/// sums in float.
enum class Isa { portable, neon, avx2, avx512, avx512bf16, amx };

constexpr std::string_view name_of(Isa isa) {
  constexpr std::string_view kNames[] = {"portable", "neon", "avx2", "avx512", "avx512bf16", "amx"};
  return kNames[static_cast<int>(isa)];
}

/// Whether a path rounds rows to bf16 before it multiplies them with bf16 weights, because its instructions require
/// this. The other loops of these paths are those of avx512, except that amx has its own attention.
constexpr bool rounds_rows(Isa isa) { return isa == Isa::avx512bf16 || isa == Isa::amx; }
/// `isa`, or avx512 if `isa` rounds or splits floats before it multiplies them.
constexpr Isa float_path(Isa isa) { return rounds_rows(isa) ? Isa::avx512 : isa; }

namespace detail {

#if defined(__x86_64__)
/// Whether the CPU has AMX with BF16 and the system grants this process its tile registers, which must be requested.
inline bool may_use_amx() {
  constexpr unsigned kBf16 = 1u << 22, kTile = 1u << 24;
  constexpr long kRequestPermission = 0x1023, kTileData = 18;  // of arch_prctl(2)
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (d & kBf16) != 0 && (d & kTile) != 0 &&
         ::syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}
#endif

}  // namespace detail

/// The paths that this CPU can run, in the order of Isa. Never empty.
inline const std::vector<Isa>& available_isas() {
  static const std::vector<Isa> available = [] {
    std::vector<Isa> isas = {Isa::portable};
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) isas.push_back(Isa::avx2);
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl")) {
      isas.push_back(Isa::avx512);
#if !defined(__clang__)  // matmul_bf16.hpp has this kernel only for GCC
      if (__builtin_cpu_supports("avx512bf16")) isas.push_back(Isa::avx512bf16);
#endif
      if (detail::may_use_amx()) isas.push_back(Isa::amx);
    }
#elif defined(__aarch64__)
    isas.push_back(Isa::neon);
#endif
    return isas;
  }();
  return available;
}

/// The path that is used unless KVX_ISA names another one: amx if the CPU has it, otherwise the widest path that does
/// not round rows. avx512bf16 is never the default, since its dot product was slower than the multiply-adds of avx512
/// on every CPU measured (GFLOPS on two cores: Intel with AMX 195 and 500, Intel without AMX 172 and 388, AMD Zen 5 363
/// and 578). amx reaches 6385 GFLOPS on the first of these CPUs.
inline Isa default_isa() {
  const auto& available = available_isas();
  if (available.back() == Isa::amx) return Isa::amx;
  return *std::find_if_not(available.rbegin(), available.rend(), rounds_rows);
}

/// The path that the environment variable KVX_ISA names, or the default. Throws Error if the CPU cannot run it.
inline Isa isa() {
  static const Isa chosen = [] {
    const char* wanted = std::getenv("KVX_ISA");
    if (wanted == nullptr) return default_isa();
    std::string names;
    for (const Isa each : available_isas()) {
      if (name_of(each) == wanted) return each;
      names.append(names.empty() ? "" : ", ").append(name_of(each));
    }
    throw Error("KVX_ISA", "expected a path that this CPU can run (" + names + "), found " + wanted);
  }();
  return chosen;
}

}  // namespace kvx::inline v0
