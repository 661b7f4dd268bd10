#include <kvx/press/protect.hpp>

#include <doctest/doctest.h>

#include <string>

#include <kvx/press/knorm.hpp>
#include <kvx/press/named/registry.hpp>
#include <kvx/press/press.hpp>
#include <kvx/press/simlayerkv.hpp>

#include "support/error_of.hpp"
#include "support/layer.hpp"

using namespace kvx;

namespace {
/// The rows kept of a layer whose keys grow, so that Knorm keeps the first rows.
Kept kept(const Protect<Knorm>& policy, Index keep, const std::vector<NamedSpan>& spans = {}) {
  kvx_test::Layer layer(1, 1, 8, 2);
  for (Index t = 0; t < 8; ++t) *layer.row(layer.keys, 0, t) = static_cast<float>(t + 1);
  PressInput in = layer.input();
  in.spans = spans;
  return Press<Protect<Knorm>>(Allowance::of_tokens(keep), policy).select(in);
}
}  // namespace

TEST_CASE("Protect keeps its tokens, and the best of the other rows") {
  CHECK(kept({}, 3) == Kept{{0, 1, 2}});
  CHECK(kept({.spans = {{"", {5, 7}}}}, 3) == Kept{{0, 5, 6}});
  CHECK(kept({.first = 1, .spans = {{"", {5, 7}}}}, 4) == Kept{{0, 1, 5, 6}});
  CHECK(kept({.first = 1, .spans = {{"", {6, 8}}}}, 3) == Kept{{0, 6, 7}});
}

TEST_CASE("a token that is protected twice counts once") {
  CHECK(kept({.first = 3, .spans = {{"", {2, 5}}}}, 5) == Kept{{0, 1, 2, 3, 4}});
  CHECK(kept({.first = 3, .spans = {{"", {1, 2}}}}, 3) == Kept{{0, 1, 2}});
  CHECK(kept({.first = 7, .spans = {{"", {1, 2}}}}, 7) == Kept{{0, 1, 2, 3, 4, 5, 6}});
}

TEST_CASE("protected tokens must fit into the budget and the context") {
  CHECK_THROWS_AS(kept({.first = 3, .spans = {{"", {2, 5}}}}, 4), NotApplicable);
  CHECK(error_of([] {
          kept({.first = 1, .spans = {{"", {5, 7}}}}, 2);
        }) == "protect: a budget of 2 rows has no room for its 3 protected rows");
  CHECK_THROWS_AS(kept({.spans = {{"", {5, 9}}}}, 6), NotApplicable);
  CHECK(error_of([] { kept({.first = 9}, 7); }) ==
        "protect: a context of 8 tokens ends before its last protected token, 8");
}

TEST_CASE("Protect checks its spans, and wraps only a press that only scores") {
  CHECK(error_of([] { Protect<Knorm>{.first = -1}.validate(); }) == "protect: first: expected 0 or more, found -1");
  CHECK(error_of([] {
          Protect<Knorm>{.spans = {{"", {4, 4}}}}.validate();
        }) == "protect: span: expected 0 <= first < last, found 4:4");
  CHECK(error_of([] { Protect<SimLayerKV>().validate(); }) ==
        "protect: expected a press that only scores, found simlayerkv");
  CHECK(Hooks(Protect<Knorm>()).traits().only_scores());
}

TEST_CASE("Protect keeps the named parts of the prompt") {
  const std::vector<NamedSpan> spans = {{"defense", {4, 6}}, {"instructions", {6, 8}}};
  CHECK(kept({.spans = {{"instructions", {}}}}, 3, spans) == Kept{{0, 6, 7}});
  CHECK(kept({.spans = {{"defense", {}}, {"", {7, 8}}}}, 4, spans) == Kept{{0, 4, 5, 7}});
  const std::vector<NamedSpan> split = {{"defense", {3, 4}}, {"instructions", {4, 6}}, {"defense", {6, 8}}};
  CHECK(kept({.spans = {{"defense", {}}}}, 4, split) == Kept{{0, 3, 6, 7}});
  CHECK(error_of([&] { kept({.spans = {{"prepend", {}}}}, 3, spans); }) == "protect: a prompt without a span prepend");
}

TEST_CASE("Protect's spans are positions in the context, also if rows have been evicted before") {
  kvx_test::Layer layer(1, 1, 12, 2);
  for (Index t = 0; t < 12; ++t) *layer.row(layer.keys, 0, t) = static_cast<float>(t + 1);
  const auto select = [&](const std::string& text, Index keep) {
    return kvx_presses().parse(text).select(layer.input(), Allowance::of_tokens(keep));
  };
  // The first press keeps the rows 0 and 5 to 11.
  CHECK(select("composed(streaming_llm(sinks=1), protect(knorm, span=6:8), ratios=[0.3, 0.6])", 3) == Kept{{0, 6, 7}});
  CHECK(select("chunk(protect(knorm, span=7:9), length=4)", 6) == Kept{{0, 1, 4, 7, 8, 9}});
  CHECK(select("block(protect(knorm, span=7:9), block=2)", 4) == Kept{{0, 1, 7, 8}});
}

TEST_CASE("no press that wraps Protect evicts its tokens") {
  kvx_test::Layer layer(2, 2, 12, 2);
  for (Index t = 0; t < 12; ++t)
    for (Index h = 0; h < 2; ++h) *layer.row(layer.keys, h, t) = static_cast<float>(t + 1);
  const auto select = [&](const std::string& text, Index keep) {
    return kvx_presses().parse(text).select(layer.input(), Allowance::of_tokens(keep));
  };
  CHECK(select("chunkkv(protect(knorm, span=[1, 9]), length=3)", 6).at(0) == std::vector<Index>{0, 1, 2, 9, 10, 11});
  CHECK(error_of([&] { select("chunkkv(protect(knorm, span=[1, 9]), length=3)", 3); }) ==
        "chunkkv: a budget of 3 rows has no room for its 2 protected rows");
  CHECK(select("entropy_chunkkv(protect(knorm, span=[1, 9]), length=3, low_length=1)", 6).at(0) ==
        std::vector<Index>{0, 1, 2, 9, 10, 11});
  CHECK(select("entropy_chunkkv(protect(knorm, span=[1, 9]), length=3, low_length=1)", 3).at(0) ==
        std::vector<Index>{1, 9, 11});
  CHECK_THROWS_AS(select("fair(protect(knorm, span=0:3), defense=0:4, instructions=4:12)", 3), NotApplicable);
  CHECK_THROWS_AS(select("protect(protect(knorm, span=0:3), span=8:10)", 4), NotApplicable);
  CHECK(select("protect(protect(knorm, span=0:3), span=8:10)", 5) == Kept{{0, 1, 2, 8, 9}, {0, 1, 2, 8, 9}});
}

TEST_CASE("Protect's spans are written as numbers and names, one or a list") {
  const auto written = [](std::string_view text) { return kvx_presses().parse(text).written(); };
  CHECK(written("protect(knorm, span=[5:7])") == "protect(knorm, span=5:7)");
  CHECK(written("protect(knorm, span=defense)") == "protect(knorm, span=defense)");
  CHECK(written("protect(knorm, force_keep_global=[0, 3:5, instructions])") ==
        "protect(knorm, span=[0:1, 3:5, instructions])");
  CHECK(written(written("protect(knorm, span=[0, defense])")) == "protect(knorm, span=[0:1, defense])");
  CHECK(
      error_of([&] { written("protect(knorm, span=[7:5])"); }) ==
      "press 'protect(knorm, span=[7:5])': span: expected a list in brackets, each first:last (two token numbers), or "
      "one token number, or the name of a span of the prompt, found '[7:5]'");
}
