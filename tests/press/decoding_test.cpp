#include <kvx/press/decoding.hpp>

#include <doctest/doctest.h>
#include <kvx/press/named/registry.hpp>

#include <string>

#include "support/error_of.hpp"
#include "support/layer.hpp"

using namespace kvx;

namespace {
std::string refused_decoding(const std::string& text) {
  return error_of([&] { kvx_presses().parse(text); });
}
}  // namespace

TEST_CASE("decoding() evicts nothing before the first decoding step") {
  const auto layer = kvx_test::Layer::random(2, 1, 9, 4, 1);
  const AnyPolicy policy = kvx_presses().parse("decoding(knorm, target=2)");
  CHECK(policy.select(layer.input(), Allowance::of_ratio(0.5)) == keep_all(1, 9));
}

TEST_CASE("a target is a number of rows, or the share of all tokens that a ratio leaves") {
  CHECK(kvx_presses().parse("decoding(knorm, target=7)").decoding()->target_rows(100) == 7);
  CHECK(kvx_presses().parse("decoding(knorm, ratio=0.9)").decoding()->target_rows(100) == 9);  // as kvpress counts
}

TEST_CASE("prefill_decoding selects like its first press, and evicts like its second while answers are decoded") {
  const auto layer = kvx_test::Layer::random(2, 1, 9, 4, 1);
  const AnyPolicy both = kvx_presses().parse("prefill_decoding(knorm, decoding(keydiff, target=5))");
  const auto allowance = Allowance::of_ratio(0.5);
  CHECK(both.select(layer.input(), allowance) == kvx_presses().parse("knorm").select(layer.input(), allowance));
  REQUIRE(both.decoding() != nullptr);
  CHECK(both.decoding()->target == 5);
  CHECK(kvx_presses().parse("knorm").decoding() == nullptr);
}

TEST_CASE("a target is refused if it has no room for more than the protected rows") {
  const auto needs = [](const std::string& press, Index rows) {
    const std::string text = "decoding(" + press + ", interval=64, target=";
    CHECK(refused_decoding(text + std::to_string(rows) + ")") ==
          "decoding: target: expected " + std::to_string(rows + 1) + " or more, found " + std::to_string(rows));
    CHECK(refused_decoding(text + std::to_string(rows + 1) + ")").empty());
  };
  needs("streaming_llm", 4);
  needs("streaming_llm(sinks=9)", 9);
  needs("snapkv", 64);
  needs("lagkv(sinks=2)", 2);
  needs("cur", 4);
  needs("block(streaming_llm)", 4);
  needs("protect(knorm, span=10:20)", 10);
  needs("protect(knorm, first=12, span=[10:20, 15, 40:42])", 22);
  needs("protect(streaming_llm, span=10:20)", 14);
}

TEST_CASE("spans of the context are refused while answers are decoded if the rows of the context are renumbered") {
  CHECK(refused_decoding("prefill_decoding(rerotate(knorm), decoding(protect(knorm, span=10:20)))") ==
        "prefill_decoding: expected a press for the context that leaves positions as they are, since protect(knorm, "
        "span=10:20) uses them, found rerotate(knorm)");
  CHECK(refused_decoding("prefill_decoding(rerotate(knorm), decoding(knorm))").empty());
}

TEST_CASE("kvpress's CompressionRatioDecodingPress is a decoding press with a ratio") {
  const auto written = [](const std::string& text) { return kvx_presses().parse(text).written(); };
  CHECK(written("CompressionRatioDecodingPress(KnormPress)") == "decoding(knorm, ratio=0.5)");
  CHECK(written("CompressionRatioDecodingPress(KnormPress, compression_interval=6, target_compression_ratio=0.4)") ==
        "decoding(knorm, interval=6, ratio=0.4)");
  CHECK(written("DecodingPress(KnormPress, hidden_states_buffer_size=64)") == "decoding(knorm, buffer=64)");
}

TEST_CASE("presses that need inputs which decoding does not have are refused") {
  const std::string expected = "decoding: expected a press that uses only keys, values and the last queries, found ";
  CHECK(refused_decoding("decoding(observed_attention)") == expected + "observed_attention");
  CHECK(refused_decoding("decoding(leverage)") == expected + "leverage");
  CHECK(refused_decoding("decoding(critical(knorm))") == expected + "critical(knorm)");
  CHECK(refused_decoding("decoding(ada(knorm))") == "decoding: expected a press that only scores, found ada(knorm)");
  CHECK(refused_decoding("decoding(snapkv, interval=32)") == "decoding: interval: expected 64 or more, found 32");
  CHECK(refused_decoding("decoding(knorm, target=0)") == "decoding: target: expected 1 or more, found 0");
  CHECK(refused_decoding("decoding(snapkv(window=300), interval=300)") ==
        "decoding: buffer: expected 300 or more, found 256");
  CHECK(refused_decoding("decoding(knorm, ratio=1)") == "decoding: ratio: expected 0 <= ratio < 1, found 1.000000");
  for (const std::string parts : {"snapkv, knorm", "decoding(knorm), decoding(knorm)", "knorm, knorm, decoding(knorm)"})
    CHECK(refused_decoding("prefill_decoding(" + parts + ")")
              .starts_with("prefill_decoding: expected a press for the context"));
}
