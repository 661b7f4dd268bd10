#include <kvx/text/code_points.hpp>
#include <kvx/text/nltk/punkt.hpp>
#include <kvx/text/nltk/punkt_model.hpp>
#include <kvx/text/nltk/word_tokenize.hpp>

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

#include "support/reference.hpp"

using namespace kvx;

namespace {
std::vector<std::string> treebank_words(std::string_view text) {
  static const Punkt punkt(load_punkt_model(KVX_SOURCE_DIR "/examples/data/ifeval/punkt_english.txt.gz"));
  static const WordTokenizer tokenizer;
  std::vector<std::string> words;
  for (const std::u32string& word : tokenizer.words(punkt, code_points(text))) words.push_back(utf8_of(word));
  return words;
}
using TreebankWords = std::vector<std::string>;
}  // namespace

TEST_CASE("Words equal NLTK's") {
  kvx_test::Tally tally{"word_tokenize"};
  const auto reference = kvx_test::reference("ifeval/text_functions.jsonl");
  kvx_test::each_row(reference.path, [&](const JsonValue& row) {
    CAPTURE(row.at("text").string());
    TreebankWords expected;
    row.at("word_tokenize").each_element([&](const JsonValue& word) { expected.emplace_back(word.string()); });
    CHECK(tally.count(treebank_words(row.at("text").string()) == expected));
  });
  CHECK(tally.cases >= reference.at_least(61));
}

TEST_CASE("The parts of contractions, quotes and punctuation are words") {
  CHECK(treebank_words("I can't, you CANNOT; they're gonna.") ==
        TreebankWords{"I", "ca", "n't", ",", "you", "CAN", "NOT", ";", "they", "'re", "gon", "na", "."});
  CHECK(treebank_words("\"Go--now\" (at 3,000.5%)!") ==
        TreebankWords{"``", "Go", "--", "now", "''", "(", "at", "3,000.5", "%", ")", "!"});
  CHECK(treebank_words("'Tis U.S.A. law 'tis his' d'ye \u00abA\u00bb.") ==
        TreebankWords{"'", "Tis", "U.S.A.", "law", "'", "tis", "his", "'", "d", "'ye", "\u00ab", "A", "\u00bb", "."});
  CHECK(treebank_words("").empty());
}
