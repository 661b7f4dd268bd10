#include <kvx/text/code_points.hpp>
#include <kvx/text/nltk/punkt.hpp>
#include <kvx/text/nltk/punkt_model.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "support/error_of.hpp"
#include "support/json_of.hpp"
#include "support/reference.hpp"
#include "support/temp_dir.hpp"

using namespace kvx;

namespace {
std::vector<std::string> punkt_sentences(std::string_view text) {
  static const Punkt punkt(load_punkt_model(KVX_SOURCE_DIR "/examples/data/ifeval/punkt_english.txt.gz"));
  const std::u32string characters = code_points(text);
  std::vector<std::string> sentences;
  for (const auto sentence : punkt.sentences(characters)) sentences.push_back(utf8_of(sentence));
  return sentences;
}
using Sentences = std::vector<std::string>;
}  // namespace

TEST_CASE("Sentences equal NLTK's") {
  kvx_test::Tally tally{"punkt"};
  const auto reference = kvx_test::reference("ifeval/text_functions.jsonl");
  kvx_test::each_row(reference.path, [&](const JsonValue& row) {
    CAPTURE(row.at("text").string());
    Sentences expected;
    row.at("punkt_sentences").each_element([&](const JsonValue& sentence) {
      expected.emplace_back(sentence.string());
    });
    CHECK(tally.count(punkt_sentences(row.at("text").string()) == expected));
  });
  CHECK(tally.cases >= reference.at_least(61));
}

TEST_CASE("A period ends a sentence unless it belongs to an abbreviation, an initial or a number") {
  CHECK(punkt_sentences("Dr. Smith left. He was late.") == Sentences{"Dr. Smith left.", "He was late."});
  CHECK(punkt_sentences("J. Bach wrote it. It is No. 5 of 6.") ==
        Sentences{"J. Bach wrote it.", "It is No.", "5 of 6."});
  CHECK(punkt_sentences("He said: \"Go!\" Then (she left.) We stayed.") ==
        Sentences{"He said: \"Go!\"", "Then (she left.)", "We stayed."});
  CHECK(punkt_sentences("Really?! Yes... no.") == Sentences{"Really?!", "Yes... no."});
  CHECK(punkt_sentences("One\n\ntwo  ") == Sentences{"One\n\ntwo"});
  CHECK(punkt_sentences(" \n").empty());
  CHECK(punkt_sentences("").empty());
}

TEST_CASE("Long runs of punctuation do not take quadratic time") {
  constexpr std::size_t kMany = 200'000;
  CHECK(punkt_sentences("a " + repeated(".?", kMany) + " B").size() == 3);
  CHECK(punkt_sentences(repeated(".\u00a0", kMany)).size() >= 1);
  CHECK(punkt_sentences(repeated("! ", kMany)).size() >= 1);
  CHECK(punkt_sentences("a." + std::string(kMany, ' ') + "B").size() == 2);
}

TEST_CASE("A file that is not a Punkt model is an error with its line") {
  const TempDir folder;
  const auto refused = [&](const std::string& text) {
    const std::string message = error_of([&] { load_punkt_model(folder.write("model.txt", text)); });
    return message.substr(message.find("model.txt"));
  };
  CHECK(refused("abbreviation\ta.a\nplural\tx\n") ==
        "model.txt: line 2: expected an entry of a Punkt model, found plural?x");
  CHECK(refused("context\ta\tmany\n") == "model.txt: line 1: expected an entry of a Punkt model, found context?a?many");
  CHECK(refused("") == "model.txt: expected a Punkt model with abbreviations, found none");
}
