#include <kvx/text/pre_tokenizer.hpp>

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include "support/error_of.hpp"

using namespace kvx;

namespace {
using Pieces = std::vector<std::string>;

Pieces split(std::string_view json, std::string_view text, bool is_start = true) {
  Pieces pieces;
  const PreTokenizer splits(JsonDocument::parse(json, "file").root());
  splits.split(text, is_start, [&](auto piece) { pieces.emplace_back(piece); });
  return pieces;
}
std::string sequence(const std::string& steps) { return R"({"type":"Sequence","pretokenizers":[)" + steps + "]}"; }
const std::string kBytes = R"({"type":"ByteLevel","add_prefix_space":false,"use_regex":false})";
const std::string kWords = R"({"type":"ByteLevel","add_prefix_space":false})";
const std::string kPrefix = R"({"type":"ByteLevel","add_prefix_space":true,"use_regex":true})";
std::string digits_step(bool single) {
  return R"({"type":"Digits","individual_digits":)" + std::string(single ? "true}," : "false},");
}
std::string split_step(const std::string& behavior, const std::string& invert) {
  return R"({"type":"Split","pattern":{"Regex":"b"},"behavior":")" + behavior + R"(","invert":)" + invert + "}";
}
std::string metaspace(const std::string& fields) { return R"({"type":"Metaspace","replacement":"_",)" + fields + "}"; }
std::string regex_step(const std::string& regex) {
  return R"({"type":"Split","pattern":{"Regex":")" + regex + R"("},"behavior":"Removed","invert":false})";
}
}  // namespace

TEST_CASE("Without other steps, ByteLevel splits text into GPT-2's words") {
  CHECK(split(kWords, "it's  12 a!") == Pieces{"it", "'s", "\u0120", "\u012012", "\u0120a", "!"});
  CHECK(split(kPrefix, "ab c") == Pieces{"\u0120ab", "\u0120c"});
  CHECK(split(kPrefix, " ab") == Pieces{"\u0120ab"});
  CHECK(split(kBytes, "ab \u00e9\n") == Pieces{"ab\u0120\u00c3\u00a9\u010a"});  // in the byte alphabet
}

TEST_CASE("Steps are applied one after the other") {
  CHECK(split(sequence(digits_step(true) + kWords), "a 12") == Pieces{"a", "\u0120", "1", "2"});
  CHECK(split(sequence(digits_step(false) + kBytes), "a12b") == Pieces{"a", "12", "b"});
  CHECK(split(sequence(split_step("Isolated", "false") + "," + digits_step(true) + kPrefix), "ab1c") ==
        Pieces{"\u0120a", "\u0120b", "\u01201", "\u0120c"});
  CHECK(split(sequence(""), "a b") == Pieces{"a b"});
}

TEST_CASE("Split removes matches, isolates them, or joins them to their neighbors") {
  const auto split_at = [](const std::string& behavior, const std::string& invert) {
    return split(split_step(behavior, invert), "bbacab");
  };
  CHECK(split_at("Removed", "false") == Pieces{"aca"});
  CHECK(split_at("Removed", "true") == Pieces{"b", "b", "b"});
  CHECK(split_at("Isolated", "false") == Pieces{"b", "b", "aca", "b"});
  CHECK(split_at("MergedWithPrevious", "false") == Pieces{"b", "b", "acab"});
  CHECK(split_at("MergedWithNext", "false") == Pieces{"b", "baca", "b"});
  CHECK(split_at("Contiguous", "false") == Pieces{"bb", "aca", "b"});
  CHECK(split(R"({"type":"Split","pattern":{"String":"."},"behavior":"Isolated","invert":false})", "a.b") ==
        Pieces{"a", ".", "b"});
}

TEST_CASE("In a pattern $ is the end of a line") { CHECK(split(regex_step("a$"), "a\nab\na") == Pieces{"\nab\n"}); }

TEST_CASE("Metaspace writes blanks as another character, and puts one before each text or the first one") {
  const std::string first = metaspace(R"("prepend_scheme":"first","split":false)");
  CHECK(split(first, "a b") == Pieces{"_a_b"});
  CHECK(split(first, " a") == Pieces{"_a"});
  CHECK(split(first, "a b", false) == Pieces{"a_b"});
  CHECK(split(metaspace(R"("prepend_scheme":"always")"), "a  b", false) == Pieces{"_a", "_", "_b"});
  CHECK(split(metaspace(R"("add_prefix_space":true)"), "a", false) == Pieces{"_a"});
  CHECK(split(metaspace(R"("prepend_scheme":"never","add_prefix_space":true)"), "a b") == Pieces{"a", "_b"});
  CHECK(split(sequence(split_step("Isolated", "false") + "," + first), "ab") == Pieces{"_a", "b"});
}

TEST_CASE("Steps and settings of other kinds are errors that name the field") {
  const auto refused = [](const std::string& json) { return error_of([&] { split(json, ""); }); };
  CHECK(refused(R"({"type":"Whitespace"})") ==
        "file: field type: expected Sequence, Split, Digits, Metaspace or ByteLevel, found \"Whitespace\"");
  CHECK(refused(split_step("Merged", "false")).starts_with("file: field behavior: expected Removed, Isolated, "));
  CHECK(refused(R"({"type":"Digits","individual_digits":true,"radix":16})") ==
        "file: field radix: expected no field but individual_digits, found 16");
  CHECK(refused(sequence(kBytes + "," + kBytes)) ==
        "file: field pretokenizers[1]: expected ByteLevel as the last step, found " + kBytes.substr(0, 60) + "...");
  CHECK(refused(metaspace(R"("add_prefix_space":false)")) ==
        "file: field add_prefix_space: expected true, or the prepend_scheme \"never\", found false");
  CHECK(refused(metaspace(R"("prepend_scheme":"last")")) ==
        "file: field prepend_scheme: expected first, never or always, found \"last\"");
  CHECK(refused(R"({"type":"Metaspace","replacement":"ab"})") ==
        "file: field replacement: expected one character, found \"ab\"");
}

TEST_CASE("A pattern that PCRE2 reads in another way than Oniguruma is an error") {
  for (const auto& [regex, part] : std::vector<std::pair<std::string, std::string>>{
           {R"(\\w+)", "\\w"},
           {R"([a[bc]])", "a [ in a set of characters"},
           {R"([a-z&&[a]])", "&& in a set of characters"},
           {R"(a{1,2}+)", "}+"},
           {R"(a{2}?)", "}?"},
           {R"(a{,2})", "{,"},
           {R"(\\p{Han})", "properties other than categories"},
           {R"(\\pL)", "properties other than categories"},
           {R"(a(?i)b)", "other groups than (?: (?= (?! (?<= (?<! (?> (?i:"}}) {
    CAPTURE(regex);
    CHECK(error_of([&] {
            split(regex_step(regex), "");
          }).starts_with("file: field pattern.Regex: expected a regular expression without " + part));
  }
  CHECK(split(regex_step(R"((?i:B)|\\p{L}+|[^\\[\\]]++|(?<=a)(?!b)c)"), "a[").size() == 1);
}
