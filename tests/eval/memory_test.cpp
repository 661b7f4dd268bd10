#include <kvx/eval/memory.hpp>

#include <doctest/doctest.h>
#include <sys/mman.h>
#include <kvx/model/prefill.hpp>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "support/error_of.hpp"
#include "support/reference.hpp"
#include "support/tiny_random.hpp"

using namespace kvx;

namespace {

constexpr std::size_t kMega = std::size_t{1} << 20;

// A sanitizer keeps memory of its own and holds back what is freed.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#elif defined(__has_feature)
constexpr bool kSanitized = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
constexpr bool kSanitized = false;
#endif

/// The most that this process has occupied since the last reset_peak().
std::size_t peak_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmHWM:")) return std::strtoull(line.c_str() + 6, nullptr, 10) << 10;
  return 0;
}
void reset_peak() { std::ofstream("/proc/self/clear_refs") << "5"; }

}  // namespace

TEST_CASE("A size is a number of bytes, or of K, M, G or T") {
  CHECK(parse_bytes("1") == 1);
  CHECK(parse_bytes("4096") == 4096);
  CHECK(parse_bytes("3K") == 3072);
  CHECK(parse_bytes("500M") == 500 * kMega);
  CHECK(parse_bytes("4G") == std::size_t{4} << 30);
  CHECK(parse_bytes("2T") == std::size_t{2} << 40);
  CHECK(parse_bytes("8388607T") == std::size_t{8388607} << 40);
  CHECK(parse_bytes("9223372036854775807") == 9223372036854775807u);
}

TEST_CASE("What is no size is an error that shows it") {
  for (const std::string text : {"",
                                 "0",
                                 "0G",
                                 "G",
                                 "-1",
                                 "+1",
                                 "-1G",
                                 "4g",
                                 "4GB",
                                 "4 G",
                                 " 4G",
                                 "4G ",
                                 "4.5G",
                                 "1e9",
                                 "0x10",
                                 "4P",
                                 "four",
                                 "8388608T",
                                 "9223372036854775808",
                                 "99999999999999999999"}) {
    CAPTURE(text);
    CHECK(error_of([&] { parse_bytes(text); }) == "memory: expected a size such as 500M or 4G, found '" + text + "'");
  }
  CHECK(error_of([] { parse_bytes(std::string("4\0", 2)); }) != "");
}

TEST_CASE("The bytes in memory grow with what is touched and shrink when it is given back" *
          doctest::skip(kSanitized)) {
  constexpr std::size_t kSize = 64 * kMega;
  const std::size_t before = resident_bytes();
  void* const memory = ::mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  REQUIRE(memory != MAP_FAILED);
  CHECK(resident_bytes() < before + kSize / 8);  // not touched yet
  std::memset(memory, 1, kSize);
  const std::size_t touched = resident_bytes();
  CHECK(touched > before + kSize - kSize / 8);
  CHECK(touched < before + kSize + kSize / 8);
  ::munmap(memory, kSize);
  CHECK(resident_bytes() < before + kSize / 8);
}

TEST_CASE("What is free on the heap does not count" * doctest::skip(kSanitized)) {
  const std::size_t before = resident_bytes();
  std::vector<std::vector<char>> blocks;
  for (int i = 0; i < 4000; ++i) blocks.emplace_back(16'000, 'x');
  CHECK(resident_bytes() > before + 60 * kMega);
  blocks.erase(blocks.begin(), blocks.end() - 1);  // the last one keeps the heap's end where it is
  CHECK(resident_bytes() < before + 8 * kMega);
}

TEST_CASE("A prefill takes what is planned for it, and not much less" * doctest::skip(kSanitized)) {
  Threads threads(2);
  const Qwen2 model = Qwen2::load(kvx_test::kTinyModel, WeightFormat::f32, threads);
  for (const Dtype dtype : {Dtype::f32, Dtype::bf16}) {
    const auto tokens = kvx_test::random_tokens(1200, 1, model.config().vocab_size);
    const CacheShape shape = model.cache_shape(dtype);
    KvCache cache(shape);
    const std::size_t before = resident_bytes();
    reset_peak();
    if (peak_bytes() > before + kMega) {
      MESSAGE("this system does not let a peak begin anew");
      return;
    }
    prefill(model, tokens, {.queries = 64, .pre_rope_queries = true}, dtype, threads,
            [&](const PressInput& in, LayerCache rows) { cache.layer(in.layer) = std::move(rows); });
    const std::size_t taken = peak_bytes() - before, planned = prefill_bytes(model.config(), 1200, shape);
    CAPTURE(taken);
    CAPTURE(planned);
    CHECK(taken > cache.bytes());
    CHECK(taken <= planned);
    CHECK(planned <= 2 * taken);
  }
}
