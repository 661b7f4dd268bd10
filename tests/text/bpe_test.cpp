#include <kvx/text/bpe.hpp>

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "support/error_of.hpp"

using namespace kvx;

namespace {
/// The tokens of `piece` with the vocabulary a=0 b=1 c=2 ab=3 bc=4 abc=5 aa=6 aaaa=7 and these fields of the model.
std::vector<Token> encode(const std::string& fields, std::string_view piece) {
  Vocabulary vocabulary;
  std::int64_t id = 0;
  for (const char* token : {"a", "b", "c", "ab", "bc", "abc", "aa", "aaaa"}) vocabulary.add(token, id++, "vocab");
  const auto document = JsonDocument::parse("{" + fields + "}", "file");
  std::vector<Token> out;
  Bpe(document.root(), vocabulary).encode(piece, out);
  return out;
}
using Ids = std::vector<Token>;
}  // namespace

TEST_CASE("Pairs are joined by rank, and of equal pairs the first one") {
  CHECK(encode(R"("merges":["b c","a b","ab c"])", "abc") == Ids{0, 4});
  CHECK(encode(R"("merges":["a b","b c","ab c"])", "abcab") == Ids{5, 3});
  CHECK(encode(R"("merges":["a a","aa aa"])", "aaaaaaa") == Ids{7, 6, 0});
  CHECK(encode(R"("merges":[["a","b"],["ab","c"]])", "abc") == Ids{5});
  CHECK(encode(R"("merges":[])", "") == Ids{});
}

TEST_CASE("A byte that the vocabulary lacks is dropped, and its neighbors can be joined") {
  CHECK(encode(R"("merges":["a b"],"unk_token":null)", "a?b") == Ids{3});
  CHECK(error_of([] { encode(R"("merges":[],"unk_token":"a")", ""); }) ==
        "file: field unk_token: expected null, because the vocabulary lacks some bytes, found \"a\"");
}

TEST_CASE("A megabyte of one letter is encoded quickly") {
  CHECK(encode(R"("merges":["a a","aa aa"])", std::string(1 << 20, 'a')) == Ids(1 << 18, 7));
}

TEST_CASE("Merges that are not pairs of known tokens and options that are not implemented are errors") {
  const auto refused = [](const std::string& fields) { return error_of([&] { encode(fields, ""); }); };
  CHECK(refused(R"("merges":["a b","a x"])") ==
        "file: field merges[1]: expected tokens of the vocabulary, found \"x\"");
  CHECK(refused(R"("merges":["c a"])") == "file: field merges[0]: expected tokens of the vocabulary, found \"ca\"");
  CHECK(!refused(R"("merges":["ab"])").empty());
  CHECK(refused(R"("merges":[["a"]])") == "file: field merges[0]: expected two tokens, found [\"a\"]");
  CHECK(refused(R"("merges":[3])") == "file: field merges[0]: expected an array, found 3");
  CHECK(refused(R"("vocab":{})") == "file: missing field merges");
  CHECK(refused(R"("merges":[],"byte_fallback":true)") == "file: field byte_fallback: expected false, found true");
  CHECK(refused(R"("merges":[],"ignore_merges":true)") == "file: field ignore_merges: expected false, found true");
  CHECK(refused(R"("merges":[],"dropout":0.1)") == "file: field dropout: expected null, found 0.1");
  CHECK(refused(R"("merges":[],"end_of_word_suffix":"</w>")") ==
        "file: field end_of_word_suffix: expected null or \"\", found \"</w>\"");
}
