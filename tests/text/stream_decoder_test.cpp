#include <kvx/text/stream_decoder.hpp>

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "support/reference.hpp"

using namespace kvx;
using namespace kvx_test;

TEST_CASE("The parts of a stream, joined, are the decoded text, and each is UTF-8") {
  const auto tokenizer = Tokenizer::load(kTinyModel);
  each_row(kTokenizerData + "/tiny_cases.jsonl", [&](const JsonValue& row) {
    StreamDecoder decoder(tokenizer);
    std::string text;
    for (const Token id : tokens(row.at("ids"))) {
      const std::string part = decoder.next(id);
      check_utf8(part, "part");
      text += part;
    }
    CHECK(text + decoder.finish() == row.at("decoded").string());
  });
}

TEST_CASE("An incomplete character is held back until it is complete or the stream ends") {
  const auto tokenizer = Tokenizer::load(kTinyModel);
  const auto bytes = tokenizer.encode("\U0001F600");
  REQUIRE(bytes.size() == 4);
  StreamDecoder decoder(tokenizer, true);
  for (std::size_t i = 0; i < 3; ++i) CHECK(decoder.next(bytes[i]) == "");
  CHECK(decoder.next(*tokenizer.token_id("<|im_end|>")) == "");
  CHECK(decoder.next(bytes[3]) == "\U0001F600");
  CHECK(decoder.finish() == "");
  CHECK(decoder.next(bytes[0]) == "");
  CHECK(decoder.next(*tokenizer.token_id("a")) == "\uFFFDa");
  CHECK(decoder.next(bytes[0]) == "");
  CHECK(decoder.finish() == "\uFFFD");
  CHECK(decoder.finish() == "");
}
