#include <kvx/text/code_points.hpp>
#include <kvx/text/langdetect/detect_language.hpp>
#include <kvx/text/langdetect/language_ngrams.hpp>

#include <doctest/doctest.h>

#include <set>
#include <string>
#include <string_view>

#include "support/error_of.hpp"
#include "support/json_of.hpp"
#include "support/reference.hpp"
#include "support/temp_dir.hpp"

using namespace kvx;

namespace {
std::string detected_language(std::string_view text) {
  static const LanguageDetector detector(KVX_SOURCE_DIR "/examples/data/ifeval/language_profiles.txt.gz");
  return detector.language_of(code_points(text)).value_or("none");
}
std::set<std::u32string> ngrams_in(std::u32string_view text) {
  std::set<std::u32string> ngrams;
  detail::each_ngram(detail::language_text(text), {}, [&](detail::NgramKey key) {
    std::u32string characters;
    for (; key != 0; key >>= 21) characters.insert(0, 1, static_cast<char32_t>(key & 0x1FFFFF));
    ngrams.insert(characters);
  });
  return ngrams;
}
using Ngrams = std::set<std::u32string>;
}  // namespace

TEST_CASE("Languages equal langdetect's where its result does not depend on its seed") {
  kvx_test::Tally tally{"language", 0, 0, 0, "langdetect's language depends on its seed"};
  const auto reference = kvx_test::reference("ifeval/langdetect.jsonl");
  kvx_test::each_row(reference.path, [&](const JsonValue& row) {
    if (!row.at("stable").boolean()) {
      ++tally.not_applicable;
      return;
    }
    CAPTURE(row.at("text").string());
    const auto lang = row.find("lang");
    CHECK(tally.count(detected_language(row.at("text").string()) == (lang ? lang->string() : "none")));
  });
  CHECK(tally.cases >= reference.at_least(80));
}

TEST_CASE("A text in two scripts has one language, and a text without letters has none") {
  CHECK(detected_language("Here is the answer:\nસમિતિ મહિનાના અંત પહેલા પાણી પુરવઠા અંગેનો") == "gu");
  CHECK(detected_language("123 456 !?") == "none");
  CHECK(detected_language("") == "none");
}

TEST_CASE("N-grams are parts of a word with the blanks around it, and do not go on into capitals") {
  CHECK(ngrams_in(U"ab c") == Ngrams{U" a", U"a", U"b", U"ab", U" ab", U"b ", U"ab ", U" c", U"c"});
  CHECK(ngrams_in(U"AB") == Ngrams{U" A", U"A"});
  CHECK(ngrams_in(U"ABc").contains(U"ABc"));
  CHECK(ngrams_in(U"1\u201c, ").empty());
  CHECK(ngrams_in(U"\u3042\u3044") == ngrams_in(U"\u3046\u3048"));  // all hiragana become one character
  CHECK(ngrams_in(U"\u1ea1") == ngrams_in(U"a\u0323"));
}

TEST_CASE("URLs, e-mail addresses and a few Latin letters among others are removed") {
  CHECK(detail::language_text(U"a https://b.c/d?e=f g") == U"a g");
  CHECK(detail::language_text(U"a http:// b") == U"a http:// b");
  CHECK(detail::language_text(U"to x.y@z.org, me@h or @b.c") == U"to , me@h or @b.c");
  CHECK(detail::language_text(U"a@bc@de x@yz") == U" @de ");
  CHECK(detail::language_text(std::u32string(70, U'n') + U"@host") == std::u32string(6, U'n') + U" ");
  CHECK(detail::language_text(U"\u0430\u0431\u0432\u0433\u0434 ab") == U"\u0430\u0431\u0432\u0433\u0434 ");
  CHECK(detail::language_text(U"\u0430\u0431\u0432\u0433 ab") == U"\u0430\u0431\u0432\u0433 ab");
  CHECK(detail::language_text(std::u32string(20000, U'a')).size() == 10000);
  CHECK(detail::language_text(code_points(repeated("aaaaaaaaa@", 100'000))).size() == 10000);  // in linear time
}

TEST_CASE("A file that does not have profiles is an error with its line") {
  const TempDir folder;
  const auto refused = [&](const std::string& text) {
    const std::string message = error_of([&] { LanguageDetector(folder.write("profiles.txt", text)); });
    return message.substr(message.find("profiles.txt"));
  };
  const std::string head = "language\ten\t9\t8\t7\n";
  CHECK(refused("12\ta\n") == "profiles.txt: line 1: expected n-grams of a language, found 12?a");
  CHECK(refused(head + "12\tabcd\n") == "profiles.txt: line 2: expected n-grams of a language, found 12?abcd");
  CHECK(refused(head + "some\ta\n") == "profiles.txt: line 2: expected n-grams of a language, found some?a");
  CHECK(refused("language\ten\t9\t8\n") ==
        "profiles.txt: line 1: expected n-grams of a language, found language?en?9?8");
  CHECK(refused(head) == "profiles.txt: expected profiles of several languages, found fewer");
}
