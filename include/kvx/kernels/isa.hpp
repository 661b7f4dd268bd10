#pragma once

#include <kvx/core/error.hpp>

#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace kvx::inline v0 {

/// The instruction sets that the inner loops are compiled for. On each of them a result is bit-identical for any batch
/// and any number of threads; between them it differs by rounding.
enum class Isa { portable, avx2, avx512 };

constexpr std::string_view name_of(Isa isa) {
  return isa == Isa::portable ? "portable" : isa == Isa::avx2 ? "avx2" : "avx512";
}

/// What this CPU can run, the fastest last.
inline std::vector<Isa> available_isas() {
  std::vector<Isa> isas = {Isa::portable};
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) isas.push_back(Isa::avx2);
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
    isas.push_back(Isa::avx512);
#endif
  return isas;
}

/// The fastest one, or the one that the environment variable KVX_ISA names. Throws Error when the CPU cannot run that.
inline Isa isa() {
  static const Isa chosen = [] {
    const auto isas = available_isas();
    const char* wanted = std::getenv("KVX_ISA");
    if (wanted == nullptr) return isas.back();
    std::string names;
    for (const Isa each : isas) {
      if (name_of(each) == wanted) return each;
      names.append(names.empty() ? "" : ", ").append(name_of(each));
    }
    throw Error("KVX_ISA", "expected what this CPU can run (" + names + "), found " + wanted);
  }();
  return chosen;
}

}  // namespace kvx::inline v0
