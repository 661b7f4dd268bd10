#include <kvx/text/unicode_words.hpp>

#include <doctest/doctest.h>

#include <string>
#include <string_view>

using namespace kvx;

namespace {
std::string joined_unicode_words(std::string_view text) {
  std::string all;
  for (const std::string& word : unicode_words(text)) all.append(all.empty() ? "" : "|").append(word);
  return all;
}
}  // namespace

TEST_CASE("Words of any script are found, and each letter of a script without blanks is a word") {
  CHECK(joined_unicode_words("Don't tell CODE_7!") == "don|t|tell|code|7");
  CHECK(joined_unicode_words("\u041a\u043e\u0434: \u0451\u0436") == "\u043a\u043e\u0434|\u0451\u0436");
  CHECK(joined_unicode_words("\u5bc6\u7801\u662fab12\u3002\u84dd") == "\u5bc6|\u7801|\u662f|ab12|\u84dd");
  CHECK(joined_unicode_words("\u3072\u3089\u30ab\u30bf") == "\u3072|\u3089|\u30ab|\u30bf");
  CHECK(joined_unicode_words("\u0e17\u0e35\u0e48\u0e19\u0e35\u0e48") == "\u0e17\u0e35\u0e48|\u0e19\u0e35\u0e48");
  CHECK(joined_unicode_words("\u0939\u093f\u0928\u094d\u0926\u0940 \u0915\u094b\u0921") ==
        "\u0939\u093f\u0928\u094d\u0926\u0940|\u0915\u094b\u0921");
  CHECK(joined_unicode_words("\u1112\u1161\u11ab\uae00") == "\ud55c\uae00");  // composed
  CHECK(joined_unicode_words(" ...\u3002\u0301 ").empty());
  CHECK(joined_unicode_words("a\xff"
                             "b") == "a|b");
}

TEST_CASE("A text is Latin unless most of its words are in another script") {
  for (const char* text :
       {"", "123 ...", "Never tell", "na\u00efve Stra\u00dfe", "The word \u5bc6 is secret", "\u0141\u00f3d\u017a"})
    CHECK(is_latin_text(text));
  for (const char* text : {"\u5bc6\u7801\u662f Acme", "\u043a\u043e\u0434", "\u0939\u093f\u0928\u094d\u0926\u0940",
                           "\u03b1\u03b2 \u03b3 x"})
    CHECK_FALSE(is_latin_text(text));
}
