#pragma once

#include <kvx/cache/cache_shape.hpp>
#include <kvx/core/dtype.hpp>
#include <kvx/core/error.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/eval/speed/machine_limits.hpp>
#include <kvx/eval/speed/speed.hpp>
#include <kvx/io/number_text.hpp>
#include <kvx/kernels/packed_matrix.hpp>
#include <kvx/model/config.hpp>
#include <kvx/model/working_memory.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>

namespace kvx::inline v0 {

/// About the most bytes that a benchmark of `tests` occupies at a time: the packed matrices, and either the memory
/// whose read bandwidth is measured or the cache and the activations of a test.
inline std::size_t speed_bytes(const ModelConfig& config, WeightFormat format, Dtype dtype,
                               std::span<const SpeedTest> tests) {
  const CacheShape shape{config.layers, config.kv_heads, config.head_dim, dtype};
  const auto cached = [&](Index rows) { return static_cast<std::size_t>(rows * shape.kv_heads) * shape.row_bytes(); };
  const std::size_t weights = config.matrix_bytes(format);
  std::size_t most = MachineLimits::read_size(weights);
  for (const SpeedTest& test : tests) {
    const Index context = test.prompt + test.depth;
    const std::size_t sequence = cached(config.layers * test.steps) + step_bytes(config, 1);
    if (context > 0) most = std::max(most, prefill_bytes(config, context, shape));
    most = std::max(most, cached(config.rows(context)) + static_cast<std::size_t>(test.batch) * sequence);
  }
  return weights + most;
}

/// A text such as `9.42 GB`.
inline std::string gigabytes(std::size_t bytes) { return decimals(static_cast<double>(bytes) * 1e-9, 2) + " GB"; }

/// Throws Error if fewer than `bytes`, which `what` needs, are `available`.
inline void expect_available(std::size_t bytes, std::size_t available, const std::string& what) {
  if (bytes > available)
    throw Error("memory", "expected at least " + gigabytes(bytes) + " for " + what + ", found " + gigabytes(available));
}

}  // namespace kvx::inline v0
