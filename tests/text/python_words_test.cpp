#include <kvx/text/code_points.hpp>
#include <kvx/text/python/python_words.hpp>

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

#include "support/reference.hpp"

using namespace kvx;

namespace {
using Views = std::vector<std::u32string_view>;
}  // namespace

TEST_CASE("White space and characters are stripped as in Python") {
  CHECK(python_strip(U"\u3000\x1c a b\n") == U"a b");
  CHECK(python_strip(U" \n").empty());
  CHECK(python_strip(U"\"\"a\"b\"", U"\"") == U"a\"b");
  CHECK(python_strip(U"\"\"", U"\"").empty());
  CHECK(python_split(U" a\u00a0b\nc ") == Views{U"a", U"b", U"c"});
  CHECK(python_split(U" \t").empty());
}

TEST_CASE("Words are the same as in Python") {
  CHECK(python_words(U"it's a_b-c \u00bd") == Views{U"it", U"s", U"a_b", U"c", U"\u00bd"});
  kvx_test::Tally tally{"python_words"};
  const auto reference = kvx_test::reference("ifeval/text_functions.jsonl");
  kvx_test::each_row(reference.path, [&](const JsonValue& row) {
    CAPTURE(row.at("text").string());
    const std::u32string text = code_points(row.at("text").string());
    std::vector<std::string> words, expected;
    for (const auto word : python_words(text)) words.push_back(utf8_of(word));
    row.at("words").each_element([&](const JsonValue& word) { expected.emplace_back(word.string()); });
    CHECK(tally.count(words == expected));
  });
  CHECK(tally.cases >= reference.at_least(61));
}
