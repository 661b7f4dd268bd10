#include <kvx/model/working_memory.hpp>

#include <doctest/doctest.h>
#include <kvx/core/resident_bytes.hpp>
#include <kvx/model/prefill.hpp>

#include <cstddef>
#include <cstdlib>
#include <fstream>
#include <string>
#include <utility>

#include "support/reference.hpp"
#include "support/sanitized.hpp"
#include "support/tiny_random.hpp"

using namespace kvx;

namespace {

constexpr std::size_t kMega = std::size_t{1} << 20;

/// The most bytes that this process has occupied since the last reset_peak().
std::size_t peak_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmHWM:")) return std::strtoull(line.c_str() + 6, nullptr, 10) << 10;
  return 0;
}
void reset_peak() { std::ofstream("/proc/self/clear_refs") << "5"; }

}  // namespace

TEST_CASE("A prefill occupies at most the predicted memory, and at least half of it" *
          doctest::skip(kvx_test::kSanitized)) {
  Threads threads(2);
  const Decoder model = Decoder::load(kvx_test::kTinyModel, WeightFormat::f32, threads);
  for (const Dtype dtype : {Dtype::f32, Dtype::bf16}) {
    const auto tokens = kvx_test::random_tokens(1200, 1, model.config().vocab_size);
    const CacheShape shape = model.cache_shape(dtype);
    KvCache cache(shape);
    const std::size_t before = resident_bytes();
    reset_peak();
    if (peak_bytes() > before + kMega) {
      MESSAGE("this system cannot reset the peak of a process");
      return;
    }
    prefill(model, tokens, {.queries = 64, .pre_rope_queries = true}, dtype, threads,
            [&](const PressInput& in, LayerCache rows) { cache.layer(in.layer) = std::move(rows); });
    const std::size_t occupied = peak_bytes() - before, predicted = prefill_bytes(model.config(), 1200, shape);
    CAPTURE(occupied);
    CAPTURE(predicted);
    CHECK(occupied > cache.bytes());
    CHECK(occupied <= predicted);
    CHECK(predicted <= 2 * occupied);
  }
}
