#include <kvx/eval/run/text_pieces.hpp>

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "support/reference.hpp"

using namespace kvx;

TEST_CASE("A text has the same pieces with Windows line ends and with a byte order mark") {
  const Tokenizer tokenizer = Tokenizer::load(kvx_test::kTinyModel);
  const auto tokens = [&](const std::string& text) {
    std::vector<Token> all;
    for (const TextPiece& piece : text_pieces("FILE", text, tokenizer, 1023, {.length = 4})) {
      all.insert(all.end(), piece.prefix.begin(), piece.prefix.end());
      all.insert(all.end(), piece.suffix.begin(), piece.suffix.end());
    }
    return all;
  };
  const std::vector<Token> expected = tokens("The first line.\n\nThe second line.\nThe last line.");
  CHECK(expected.size() >= 8);
  CHECK(tokens("The first line.\r\n\r\nThe second line.\r\nThe last line.") == expected);
  CHECK(tokens("\xEF\xBB\xBFThe first line.\n\nThe second line.\nThe last line.") == expected);
  CHECK(tokens("The first \rline.\n\nThe second line.\nThe last line.") != expected);
}
