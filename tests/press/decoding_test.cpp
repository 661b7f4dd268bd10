#include <kvx/press/decoding.hpp>

#include <doctest/doctest.h>
#include <kvx/press/registry.hpp>

#include <string>

#include "support/error_of.hpp"
#include "support/layer.hpp"

using namespace kvx;

namespace {
std::string refused_decoding(const std::string& text) {
  return error_of([&] { kvx_presses().parse(text); });
}
}  // namespace

TEST_CASE("nothing of the context goes before a question is asked") {
  const auto layer = kvx_test::Layer::random(2, 1, 9, 4, 1);
  const AnyPolicy policy = kvx_presses().parse("decoding(knorm, target=2)");
  CHECK(policy.select(layer.input(), Allowance::of_ratio(0.5)) == keep_all(1, 9));
}

TEST_CASE("a target is a number of rows, or what a ratio leaves of all tokens") {
  CHECK(kvx_presses().parse("decoding(knorm, target=7)").decoding()->target_rows(100) == 7);
  CHECK(kvx_presses().parse("decoding(knorm, ratio=0.9)").decoding()->target_rows(100) == 9);  // as kvpress counts
}

TEST_CASE("prefill_decoding evicts as its first press and decodes as its second") {
  const auto layer = kvx_test::Layer::random(2, 1, 9, 4, 1);
  const AnyPolicy both = kvx_presses().parse("prefill_decoding(knorm, decoding(keydiff, target=5))");
  const auto allowance = Allowance::of_ratio(0.5);
  CHECK(both.select(layer.input(), allowance) == kvx_presses().parse("knorm").select(layer.input(), allowance));
  REQUIRE(both.decoding() != nullptr);
  CHECK(both.decoding()->target == 5);
  CHECK(kvx_presses().parse("knorm").decoding() == nullptr);
}

TEST_CASE("presses that need what is not there while decoding are refused") {
  const std::string expected =
      "decoding: expected a press that looks at keys, values and the last queries alone, found ";
  CHECK(refused_decoding("decoding(observed_attention)") == expected + "observed_attention");
  CHECK(refused_decoding("decoding(leverage)") == expected + "leverage");
  CHECK(refused_decoding("decoding(critical(knorm))") == expected + "critical(knorm)");
  CHECK(refused_decoding("decoding(ada(knorm))") == "decoding: expected a press that only scores, found ada(knorm)");
  CHECK(refused_decoding("decoding(snapkv, interval=32)") == "decoding: interval: expected 64 or more, found 32");
  CHECK(refused_decoding("decoding(knorm, target=0)") == "decoding: target: expected 1 or more, found 0");
  CHECK(refused_decoding("decoding(knorm, ratio=1)") == "decoding: ratio: expected 0 <= ratio < 1, found 1.000000");
  for (const std::string parts : {"snapkv, knorm", "decoding(knorm), decoding(knorm)", "knorm, knorm, decoding(knorm)"})
    CHECK(refused_decoding("prefill_decoding(" + parts + ")")
              .starts_with("prefill_decoding: expected a press for the context"));
}
