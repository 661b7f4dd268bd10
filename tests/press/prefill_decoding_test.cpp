#include <kvx/press/prefill_decoding.hpp>

#include <doctest/doctest.h>

#include <kvx/press/named/policies.hpp>

#include "support/error_of.hpp"
#include "support/layer.hpp"

using namespace kvx;

TEST_CASE("PrefillDecoding has the hooks of its first press for the context, and the decoding of its second") {
  const Registry registry = kvx_presses();
  const AnyPolicy both = registry.parse("prefill_decoding(think(window=5), decoding(knorm, target=7))");
  CHECK(both.decoding()->target == 7);
  CHECK(both.edit_queries() == 5);
  CHECK(both.edits());
  CHECK(both.traits().outermost);
  CHECK_FALSE(both.traits().selects_layers);
  CHECK(registry.parse("prefill_decoding(kvzip, decoding(knorm))").traits().selects_layers);
  const kvx_test::Layer layer(1, 1, 9, 2);
  CHECK(both.select(layer.input(), Allowance::of_ratio(0.5)) == keep_all(1, 9));
}

TEST_CASE("PrefillDecoding needs a press for the context and a decoding(...), with positions that fit together") {
  const auto refused = [](const char* text) { return error_of([&] { kvx_presses().parse(text); }); };
  const std::string expected =
      "prefill_decoding: expected a press for the context and a decoding(...), such as prefill_decoding(snapkv, "
      "decoding(knorm))";
  CHECK(refused("prefill_decoding(knorm, knorm)") == expected);
  CHECK(refused("prefill_decoding(decoding(knorm), decoding(knorm))") == expected);
  CHECK(refused("prefill_decoding(rerotate(knorm), decoding(protect(knorm, first=1)))") ==
        "prefill_decoding: expected a press for the context that leaves positions as they are, since protect(knorm, "
        "first=1) uses them, found rerotate(knorm)");
}
