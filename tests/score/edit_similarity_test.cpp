#include <kvx/score/edit_similarity.hpp>

#include <doctest/doctest.h>

#include <string>

#include "support/json_of.hpp"
#include "support/reference.hpp"

using namespace kvx;

TEST_CASE("Edit similarity equals rapidfuzz's ratio") {
  kvx_test::Tally tally{"edit_similarity"};
  kvx_test::each_row(KVX_SOURCE_DIR "/tests/data/code/edit_similarity.jsonl", [&](const JsonValue& row) {
    CAPTURE(row.at("a").string());
    const double ratio = edit_similarity(row.at("a").string(), row.at("b").string());
    CHECK(tally.count(ratio == doctest::Approx(row.at("ratio").number() / 100).epsilon(1e-12)));
    CHECK(edit_similarity(row.at("b").string(), row.at("a").string()) == ratio);
  });
  CHECK(tally.cases > 40);
}

TEST_CASE("Characters are compared, and all bytes that are not UTF-8 are equal") {
  CHECK(edit_similarity("é", "è") == 0);
  CHECK(edit_similarity("\xff", "\xfe") == 1);
  CHECK(edit_similarity("\xff", "\xe6\x97") == 1);
  CHECK(edit_similarity("a\xff", "a") == doctest::Approx(2.0 / 3));
}

TEST_CASE("A megabyte is compared with a program quickly") {
  CHECK(edit_similarity(repeated("ab", 1 << 19), repeated("ab", 500)) ==
        doctest::Approx(2.0 * 1000 / (1000 + (1 << 20))));
}
