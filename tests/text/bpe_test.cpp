#include <kvx/text/bpe.hpp>

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "support/error_of.hpp"

using namespace kvx;

namespace {
/// The tokens of `piece` with the vocabulary a=0 b=1 c=2 ab=3 bc=4 abc=5 aa=6 aaaa=7 and these fields of the model. An
/// added token is not found in it.
std::vector<Token> encode(const std::string& fields, std::string_view piece) {
  Vocabulary vocabulary;
  std::int64_t id = 0;
  for (const char* token : {"a", "b", "c", "ab", "bc", "abc", "aa", "aaaa"}) vocabulary.add(token, id++, "vocab");
  const auto document = JsonDocument::parse("{" + fields + "}", "file");
  std::vector<Token> out;
  const Bpe bpe(document.root(), vocabulary);
  vocabulary.add_extra("d", "added");
  bpe.encode(piece, vocabulary, out);
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

TEST_CASE("Without byte fallback a character that the vocabulary lacks becomes the unknown token or is dropped") {
  CHECK(encode(R"("merges":["a b"],"unk_token":null)", "ad\u00e9b") == Ids{3});
  CHECK(encode(R"("merges":["a b"],"unk_token":"c")", "ad\u00e9b") == Ids{0, 2, 2, 1});
  CHECK(encode(R"("merges":["a b"],"unk_token":"c","fuse_unk":true)", "\u00e9dab\u00e9d") == Ids{2, 3, 2});
  CHECK(encode(R"("merges":["b c"],"unk_token":"c")", "b\u00e9") == Ids{4});  // the unknown token takes part in merges
  CHECK(error_of([] { encode(R"("merges":[],"unk_token":"d")", ""); }) ==
        "file: field unk_token: expected a token of the vocabulary, found \"d\"");
}

TEST_CASE("With byte fallback a character that the vocabulary lacks becomes its bytes, if each of them is a token") {
  Vocabulary vocabulary;
  std::int64_t id = 0;
  for (const char* token : {"a", "<0xC3>", "<0xA9>", "<unk>"}) vocabulary.add(token, id++, "vocab");
  const auto document = JsonDocument::parse(R"({"merges":[],"byte_fallback":true,"unk_token":"<unk>"})", "file");
  const Bpe bpe(document.root(), vocabulary);
  Ids out;
  bpe.encode("\u00e9a\u00e8a", vocabulary, out);
  CHECK(out == Ids{1, 2, 0, 3, 0});
  CHECK((bpe.is_byte(1) && bpe.is_byte(2) && !bpe.is_byte(0) && !bpe.is_byte(3)));
}

TEST_CASE("With ignore_merges a piece that is a token of the model needs no merges") {
  CHECK(encode(R"("merges":["b c"],"ignore_merges":true)", "abc") == Ids{5});
  CHECK(encode(R"("merges":["b c"],"ignore_merges":true)", "abca") == Ids{0, 4, 0});
  CHECK(encode(R"("merges":["b c"],"ignore_merges":true)", "d") == Ids{});
  CHECK(encode(R"("merges":["b c"],"ignore_merges":false)", "abc") == Ids{0, 4});
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
  CHECK(refused(R"("merges":[],"byte_fallback":1)") == "file: field byte_fallback: expected a boolean, found 1");
  CHECK(refused(R"("merges":[],"scores":[])").starts_with("file: field scores: expected no field but vocab, merges, "));
  CHECK(refused(R"("merges":[],"dropout":0.1)") == "file: field dropout: expected null, found 0.1");
  CHECK(refused(R"("merges":[],"end_of_word_suffix":"</w>")") ==
        "file: field end_of_word_suffix: expected null or \"\", found \"</w>\"");
}
