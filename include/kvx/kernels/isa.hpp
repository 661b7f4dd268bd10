#pragma once

#include <kvx/core/error.hpp>

#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace kvx::inline v0 {

/// The instruction sets that the inner loops are compiled for. On each of them a result is bit-identical for any batch
/// and any number of threads; between them it differs by rounding. The last two round the rows that are multiplied with
/// bf16 weights to bf16, as their instructions take them; sums are float on all.
enum class Isa { portable, avx2, avx512, avx512bf16, amx };

constexpr std::string_view name_of(Isa isa) {
  constexpr std::string_view kNames[] = {"portable", "avx2", "avx512", "avx512bf16", "amx"};
  return kNames[static_cast<int>(isa)];
}

namespace detail {

#if defined(__x86_64__)
/// Whether the CPU has AMX with BF16, and the system lets this process use it, which it has to be asked for.
inline bool may_use_amx() {
  constexpr unsigned kBf16 = 1u << 22, kTile = 1u << 24;
  constexpr long kRequestPermission = 0x1023, kTileData = 18;  // of arch_prctl(2)
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (d & kBf16) != 0 && (d & kTile) != 0 &&
         ::syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}
#endif

}  // namespace detail

/// What this CPU can run, from old to new.
inline const std::vector<Isa>& available_isas() {
  static const std::vector<Isa> available = [] {
    std::vector<Isa> isas = {Isa::portable};
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) isas.push_back(Isa::avx2);
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl")) {
      isas.push_back(Isa::avx512);
#if !defined(__clang__)  // matmul.hpp has that kernel for GCC alone
      if (__builtin_cpu_supports("avx512bf16")) isas.push_back(Isa::avx512bf16);
#endif
      if (detail::may_use_amx()) isas.push_back(Isa::amx);
    }
#endif
    return isas;
  }();
  return available;
}

/// The path taken unless KVX_ISA names another. avx512bf16 is it on AMD alone: on Intel's CPUs its dot product does
/// half of what two fused multiply-adds do. amx has only been run in emulation, so it is never taken unasked.
inline Isa default_isa() {
  Isa best = Isa::portable;
  for (const Isa each : available_isas()) {
    if (each == Isa::amx) continue;
#if defined(__x86_64__)
    if (each == Isa::avx512bf16 && !__builtin_cpu_is("amd")) continue;
#endif
    best = each;
  }
  return best;
}

/// The default, or the one that the environment variable KVX_ISA names. Throws Error when the CPU cannot run that.
inline Isa isa() {
  static const Isa chosen = [] {
    const char* wanted = std::getenv("KVX_ISA");
    if (wanted == nullptr) return default_isa();
    std::string names;
    for (const Isa each : available_isas()) {
      if (name_of(each) == wanted) return each;
      names.append(names.empty() ? "" : ", ").append(name_of(each));
    }
    throw Error("KVX_ISA", "expected what this CPU can run (" + names + "), found " + wanted);
  }();
  return chosen;
}

}  // namespace kvx::inline v0
