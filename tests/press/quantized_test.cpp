#include <kvx/press/quantized.hpp>

#include <doctest/doctest.h>

#include <kvx/press/named/policies.hpp>

#include "support/error_of.hpp"
#include "support/layer.hpp"

using namespace kvx;

TEST_CASE("Quantized keeps the rows of the wrapped press, and quantizes to the bits in its name") {
  const auto layer = kvx_test::Layer::random(2, 2, 20, 4, 1);
  const Registry registry = kvx_presses();
  const Allowance half = Allowance::of_ratio(0.5);
  for (const int bits : {2, 4, 8}) {
    const AnyPolicy policy = registry.parse("knorm+int" + std::to_string(bits) + "(group=16, residual=64)");
    const CacheQuantization quantization = policy.quantization().value();
    CHECK(quantization.keys.bits == bits);
    CHECK(quantization.values.bits == bits);
    CHECK(quantization.keys.group == 16);
    CHECK(quantization.residual == 64);
    CHECK(quantization.bias);
    CHECK(quantization.keys.axis == Quantization::Axis::per_channel);
    CHECK(quantization.values.axis == Quantization::Axis::per_token);
    CHECK(policy.select(layer.input(), half) == registry.parse("knorm").select(layer.input(), half));
  }
  CHECK(registry.parse("int4").select(layer.input(), half) == keep_all(2, 20));
}

TEST_CASE("Quantized passes on the other hooks of the wrapped press, and no adapter wraps it") {
  const Registry registry = kvx_presses();
  CHECK(registry.parse("think(window=3)+int8").edit_queries() == 3);
  CHECK(registry.parse("think+int8").edits());
  CHECK(registry.parse("decoding(knorm, target=7)+int8").decoding()->target == 7);
  CHECK(registry.parse("kvzip+int8").traits().selects_layers);
  CHECK_FALSE(registry.parse("knorm+int8").traits().only_scores());
  CHECK(error_of([] { kvx_presses().parse("ada(knorm+int8)"); }).ends_with("ada cannot wrap int8"));
}

TEST_CASE("Quantized refuses wrong groups, and presses that quantize or evict single rows") {
  const auto refused = [](const char* text) { return error_of([&] { kvx_presses().parse(text); }); };
  CHECK(refused("int4(group=8)") == "int4: group: expected a multiple of 16, found 8");
  CHECK(refused("int4(residual=100)") == "int4: residual: expected a multiple of the group, 32, found 100");
  CHECK(refused("knorm+int4+int8") == "int8: expected a press that does not quantize, found knorm+int4");
  CHECK(
      refused("dms(knorm, threshold=0, decoding=true)+int8")
          .starts_with("int8: expected a press that does not evict single rows while answers are decoded, found dms("));
}
