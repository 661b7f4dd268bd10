#include <kvx/io/text_file.hpp>
#include <kvx/text/nltk/porter_stemmer.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "support/reference.hpp"

using namespace kvx;

TEST_CASE("Stems equal NLTK's") {
  kvx_test::Tally tally{"porter_stemmer"};
  const kvx_test::Reference reference(KVX_SOURCE_DIR "/tests/data/leakage/stems.tsv", "data/raccoon/stems.tsv");
  const std::string text = read_text_file(reference.path);
  for (std::size_t pos = 0; pos < text.size();) {
    const std::size_t tab = text.find('\t', pos), end = text.find('\n', pos);
    const std::string word = text.substr(pos, tab - pos), stem = text.substr(tab + 1, end - tab - 1);
    CAPTURE(word);
    CHECK(porter_stem(word) == stem);
    tally.count(porter_stem(word) == stem);
    pos = end + 1;
  }
  CHECK(tally.cases >= reference.at_least(600));
}

TEST_CASE("Each step removes its endings") {
  for (const auto& [word, stem] : {std::pair<std::string_view, std::string_view>{"caresses", "caress"},
                                   {"ponies", "poni"},
                                   {"feed", "feed"},
                                   {"agreed", "agre"},
                                   {"sing", "sing"},
                                   {"hopping", "hop"},
                                   {"falling", "fall"},
                                   {"filing", "file"},
                                   {"sized", "size"},
                                   {"fizzed", "fizz"},
                                   {"playing", "play"},
                                   {"boxed", "box"},
                                   {"bys", "by"},
                                   {"happy", "happi"},
                                   {"relational", "relat"},
                                   {"vietnamization", "vietnam"},
                                   {"electriciti", "electr"},
                                   {"adoption", "adopt"},
                                   {"opinion", "opinion"},
                                   {"replacement", "replac"},
                                   {"rate", "rate"},
                                   {"cease", "ceas"},
                                   {"controlling", "control"},
                                   {"roll", "roll"}}) {
    CAPTURE(word);
    CHECK(porter_stem(word) == stem);
  }
}

TEST_CASE("Stems equal NLTK's where they differ from Porter's") {
  for (const auto& [word, stem] : {std::pair<std::string_view, std::string_view>{"dies", "die"},
                                   {"died", "die"},
                                   {"tried", "tri"},
                                   {"enjoy", "enjoy"},
                                   {"spy", "spi"},
                                   {"by", "by"},
                                   {"radicalli", "radic"},
                                   {"ationalli", "ation"},
                                   {"relationalli", "relat"},
                                   {"possibly", "possibl"},
                                   {"hopefully", "hope"},
                                   {"apology", "apolog"},
                                   {"eulogy", "eulog"},
                                   {"aled", "ale"},
                                   {"skies", "sky"},
                                   {"dying", "die"},
                                   {"innings", "inning"},
                                   {"outings", "outing"},
                                   {"cannings", "canning"},
                                   {"tying", "tie"},
                                   {"lying", "lie"},
                                   {"proceed", "proceed"},
                                   {"news", "news"}}) {
    CAPTURE(word);
    CHECK(porter_stem(word) == stem);
  }
}

TEST_CASE("Words of any kind have a stem, and long words get it quickly") {
  CHECK(porter_stem("") == "");
  CHECK(porter_stem("s") == "s");
  CHECK(porter_stem("as") == "as");
  CHECK(porter_stem("ies") == "i");
  CHECK(porter_stem("ied") == "i");
  CHECK(porter_stem("18thing") == "18thing");
  CHECK(porter_stem("\xff\xfe\xfds") == "\xff\xfe\xfd");
  CHECK(porter_stem(std::string(1 << 20, 'y') + "ing").size() == (1 << 20));
}
