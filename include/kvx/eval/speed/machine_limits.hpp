#pragma once

#include <kvx/core/threads.hpp>
#include <kvx/eval/speed/machine.hpp>
#include <kvx/kernels/isa.hpp>
#include <kvx/kernels/peak.hpp>

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// The largest and the smallest of several measurements; 0 if there are none.
struct Spread {
  double best = 0, least = 0;

  void add(double value) { add(Spread{value, value}); }
  void add(const Spread& other) {
    if (other.best == 0) return;
    best = std::max(best, other.best);
    least = least == 0 ? other.least : std::min(least, other.least);
  }
};

/// The read bandwidth and the peak rates of arithmetic of a machine. They are measured before, between and after the
/// tests that are compared with them, and the best value counts, because other work on the machine may last longer than
/// one measurement.
struct MachineLimits {
  Spread read;                                ///< bytes per second
  std::vector<std::pair<Isa, Spread>> peaks;  ///< GFLOPS of each of available_isas()

  /// The bytes whose read bandwidth is measured: large enough that one core's caches do not hold them, small enough to
  /// fit into memory next to a large model.
  static std::size_t read_size(std::size_t weight_bytes) {
    return std::clamp(weight_bytes, std::size_t{1} << 28, std::size_t{1} << 30);
  }

  /// Measures everything once more. `weight_bytes` is the size of the weights that the tests read.
  void measure(Threads& threads, std::size_t weight_bytes) {
    MachineLimits now;
    now.read.add(read_bandwidth(threads, read_size(weight_bytes)));
    for (const Isa path : available_isas())
      now.peaks.emplace_back(path, Spread()).second.add(peak_gflops(path, threads));
    add(now);
  }

  void add(const MachineLimits& other) {
    read.add(other.read);
    if (peaks.empty()) peaks.resize(other.peaks.size());
    for (std::size_t i = 0; i < other.peaks.size(); ++i) {
      peaks[i].first = other.peaks[i].first;
      peaks[i].second.add(other.peaks[i].second);
    }
  }

  /// The peak of a path in GFLOPS: that of its own instructions or of an older path, which it may use as well.
  double peak(Isa path) const {
    double best = 0;
    for (const auto& [measured, peak] : peaks) {
      best = std::max(best, peak.best);
      if (measured == path) break;
    }
    return best;
  }
};

}  // namespace kvx::inline v0
