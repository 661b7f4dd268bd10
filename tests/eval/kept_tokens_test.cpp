#include <kvx/eval/kept/kept_tokens.hpp>

#include <doctest/doctest.h>

#include <kvx/eval/kept/kept_tables.hpp>
#include <kvx/eval/kept/kept_text.hpp>

using namespace kvx;

namespace {
const CellName kHalf{"knorm", 0.5};
/// The kept rows of two layers with one head each.
const std::vector<Kept> kFirstRows = {{{0, 1}}, {{0, 3}}};

const KeptSpan* span_named(const KeptCounts& counts, const std::string& name) {
  for (const KeptSpan& span : counts.spans())
    if (span.span == name) return &span;
  return nullptr;
}
}  // namespace

TEST_CASE("The kept rows of a context are counted by span, layer and head") {
  KeptCounts counts;
  const std::vector<NamedSpan> spans = {{"defense", {0, 1}}, {"instructions", {1, 3}}};
  counts.add("m", "t", kHalf, spans, 4, kFirstRows);
  REQUIRE(counts.spans().size() == 4);
  CHECK(span_named(counts, "all")->kept == std::vector<Index>{2, 2});
  CHECK(span_named(counts, "all")->share() == 0.5);
  CHECK(span_named(counts, "rest")->kept == std::vector<Index>{0, 1});
  CHECK(span_named(counts, "defense")->kept == std::vector<Index>{1, 1});
  CHECK(span_named(counts, "defense")->share() == 1);
  CHECK(span_named(counts, "instructions")->kept == std::vector<Index>{1, 0});
  CHECK(span_named(counts, "instructions")->share() == 0.25);

  SUBCASE("and summed over contexts") {
    const std::vector<NamedSpan> twice = {{"defense", {0, 1}}, {"defense", {3, 4}}};
    counts.add("m", "t", kHalf, twice, 4, kFirstRows);
    CHECK(span_named(counts, "defense")->contexts == 2);
    CHECK(span_named(counts, "defense")->tokens == 3);
    CHECK(span_named(counts, "defense")->kept == std::vector<Index>{2, 3});
    CHECK(span_named(counts, "instructions")->contexts == 1);
  }
  SUBCASE("for each cell by itself") {
    counts.add("m", "t", {"knorm", 0.75}, spans, 4, {{{0}}, {{3}}});
    CHECK(counts.spans().size() == 8);
    CHECK(span_named(counts, "all")->kept == std::vector<Index>{2, 2});
  }
}

TEST_CASE("The heads that keep each token are counted") {
  CHECK(heads_that_keep(kFirstRows, 4) == std::vector<Index>{2, 1, 0, 1});
}

TEST_CASE("Kept rows are written as CSV and JSON") {
  KeptCounts counts;
  counts.add("m", "t", kHalf, std::vector<NamedSpan>{{"defense", {0, 1}}}, 4, kFirstRows);
  CHECK(kept_spans_csv(counts.spans()) ==
        "model,press,compression_ratio,budget,query_aware,task,span,contexts,tokens,share_kept,share_kept_of_all,"
        "relative\n"
        "m,knorm,0.5,,false,t,all,1,4,0.5,0.5,1\n"
        "m,knorm,0.5,,false,t,rest,1,3,0.3333333333333333,0.5,0.6666666666666666\n"
        "m,knorm,0.5,,false,t,defense,1,1,1,0.5,2\n");
  CHECK(kept_heads_csv(counts.spans())
            .starts_with("model,press,compression_ratio,budget,query_aware,task,span,layer,head,contexts,tokens,"
                         "kept\nm,knorm,0.5,,false,t,all,0,0,1,4,2\nm,knorm,0.5,,false,t,all,1,0,1,4,2\n"));
  const KeptText text{"m", "t", false, 7, {"a", "\"b"}, {{"defense", {0, 1}}}, 2, {{kHalf, {2, 1}}}};
  CHECK(kept_text_json({&text, 1}) ==
        "[{\"model\":\"m\",\"task\":\"t\",\"query_aware\":false,\"index\":7,\"heads\":2,\"tokens\":[\"a\",\"\\\"b\"],"
        "\"spans\":[{\"name\":"
        "\"defense\",\"first\":0,\"last\":1}],\"cells\":[{\"press\":\"knorm\",\"compression_ratio\":0.5,\"budget\":"
        "\"\",\"query_aware\":false,\"kept_by\":[2,"
        "1]}]}]\n");
}
