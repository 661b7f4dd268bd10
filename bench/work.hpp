#pragma once

#include <kvx/eval/speed/machine.hpp>
#include <kvx/kernels/peak.hpp>

#include <map>
#include <string>
#include <utility>

namespace kvx_bench {

/// The work of one run of a benchmark, and the most work that the machine can do in a second.
struct Work {
  double amount, limit;
  const char* unit;  ///< of `amount`, and of `limit` per second
};

/// The work of each benchmark so far, by name.
inline std::map<std::string, Work>& benchmark_work() {
  static std::map<std::string, Work> work;
  return work;
}

/// Notes that the benchmark `name` computes `flops` per run, for comparison with the peak of `path` on as many threads.
/// Returns `name`.
inline std::string computes(const std::string& name, double flops, kvx::Isa path, kvx::Threads& threads) {
  static std::map<std::pair<kvx::Isa, kvx::Index>, double> peaks;
  const auto [peak, is_new] = peaks.try_emplace({path, threads.count()});
  if (is_new) peak->second = kvx::peak_gflops(path, threads);
  benchmark_work()[name] = {flops * 1e-9, peak->second, "GFLOPS"};
  return name;
}

/// Notes that the benchmark `name` reads `bytes` per run, for comparison with the read bandwidth of as many threads.
/// Returns `name`.
inline std::string reads(const std::string& name, double bytes, kvx::Threads& threads) {
  static std::map<kvx::Index, double> bandwidths;
  const auto [bandwidth, is_new] = bandwidths.try_emplace(threads.count());
  if (is_new) bandwidth->second = kvx::read_bandwidth(threads) * 1e-9;
  benchmark_work()[name] = {bytes * 1e-9, bandwidth->second, "GB/s"};
  return name;
}

/// The number of layers of a model, and the seconds that the prefill of one of them takes.
struct LayerWork {
  double layers, prefill_seconds;
};

/// The LayerWork of each benchmark so far, by name.
inline std::map<std::string, LayerWork>& layer_work() {
  static std::map<std::string, LayerWork> work;
  return work;
}

/// Notes that a run of the benchmark `name` processes one of `layers` layers, whose prefill takes `prefill_seconds`
/// each. Returns `name`.
inline std::string relative_to_prefill(const std::string& name, double layers, double prefill_seconds) {
  layer_work()[name] = {layers, prefill_seconds};
  return name;
}

}  // namespace kvx_bench
