#include <kvx/text/vocabulary.hpp>

#include <doctest/doctest.h>

#include "support/error_of.hpp"

using namespace kvx;

TEST_CASE("A vocabulary finds ids by text and texts by id") {
  Vocabulary vocabulary;
  vocabulary.add("\u0120a", 3, "vocab");
  vocabulary.add("\u0120a", 3, "vocab");
  CHECK(vocabulary.find("\u0120a") == 3);
  CHECK(!vocabulary.find(" a"));
  CHECK(vocabulary.written(3) == "\u0120a");
  for (const Token unknown : {-1, 0, 4}) CHECK(vocabulary.written(unknown).empty());
  CHECK(vocabulary.size() == 4);
}

TEST_CASE("Ids that are out of range or belong to another token, and empty tokens, are errors") {
  Vocabulary vocabulary;
  vocabulary.add("a", 1, "vocab");
  const auto refused = [&](std::string_view text, std::int64_t id) {
    return error_of([&] { vocabulary.add(text, id, "vocab"); });
  };
  CHECK(refused("b", 1) == "vocab: id 1 belongs to two tokens");
  CHECK(refused("a", 2) == "vocab: token a has the ids 1 and 2");
  CHECK(refused("b", -1) == "vocab: expected a token id in [0, 1048576), found -1");
  CHECK(refused("b", 1 << 20) == "vocab: expected a token id in [0, 1048576), found 1048576");
  CHECK(refused("", 5) == "vocab: expected a token's text, found an empty one");
}

TEST_CASE("The id of an added token is the number of tokens, even if another token has that id") {
  Vocabulary vocabulary;
  vocabulary.add("a", 2, "vocab");
  vocabulary.add("b", 3, "vocab");
  CHECK(vocabulary.add_extra("<s>", "added") == 2);
  CHECK(vocabulary.add_extra("b", "added") == 3);
  CHECK(vocabulary.add_extra("</s>", "added") == 3);
  CHECK(vocabulary.add_extra("<s>", "added") == 2);
  CHECK(vocabulary.written(2) == "<s>");
  CHECK((!vocabulary.find_in_model("<s>") && vocabulary.find_in_model("b") == 3));
  CHECK(vocabulary.find("a") == 2);
  CHECK(vocabulary.size() == 4);
  CHECK(error_of([&] { vocabulary.add_extra("", "added"); }) == "added: expected a token's text, found an empty one");
}
