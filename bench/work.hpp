#pragma once

#include <kvx/eval/speed/machine.hpp>
#include <kvx/kernels/peak.hpp>

#include <map>
#include <string>
#include <utility>

namespace kvx_bench {

/// What one run of a benchmark does, and what the machine does at most in a second.
struct Work {
  double amount, limit;
  const char* unit;  ///< of both
};

/// Of the benchmarks so far, by name.
inline std::map<std::string, Work>& works() {
  static std::map<std::string, Work> works;
  return works;
}

/// The name of a benchmark that computes `flops` a run, against the peak of `path` on so many threads.
inline std::string computes(const std::string& name, double flops, kvx::Isa path, kvx::Threads& threads) {
  static std::map<std::pair<kvx::Isa, kvx::Index>, double> peaks;
  const auto [peak, is_new] = peaks.try_emplace({path, threads.count()});
  if (is_new) peak->second = kvx::peak_gflops(path, threads);
  works()[name] = {flops * 1e-9, peak->second, "GFLOPS"};
  return name;
}

/// The name of a benchmark that reads `bytes` a run, against the read bandwidth of so many threads.
inline std::string reads(const std::string& name, double bytes, kvx::Threads& threads) {
  static std::map<kvx::Index, double> bandwidths;
  const auto [bandwidth, is_new] = bandwidths.try_emplace(threads.count());
  if (is_new) bandwidth->second = kvx::read_bandwidth(threads) * 1e-9;
  works()[name] = {bytes * 1e-9, bandwidth->second, "GB/s"};
  return name;
}

/// What one run does for a layer, beside the prefill of that layer.
struct LayerWork {
  double layers, prefill_seconds;
};

/// Of the benchmarks so far, by name.
inline std::map<std::string, LayerWork>& layer_works() {
  static std::map<std::string, LayerWork> works;
  return works;
}

/// The name of a benchmark that does in a run what each of `layers` takes, in whose prefill one takes so many seconds.
inline std::string beside_prefill(const std::string& name, double layers, double prefill_seconds) {
  layer_works()[name] = {layers, prefill_seconds};
  return name;
}

}  // namespace kvx_bench
