#include <kvx/eval/run/answer_tokens.hpp>

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

#include "support/reference.hpp"

using namespace kvx;

TEST_CASE("Special tokens are not part of an answer, unless they are marks of thoughts") {
  const Tokenizer tokenizer = Tokenizer::load(kvx_test::kTinyModel);
  const auto tokens = tokenizer.encode("<|im_start|>a<|im_end|>b<|endoftext|>");
  REQUIRE(tokenizer.is_special(*tokenizer.token_id("<|im_start|>")));
  CHECK(answer_of_tokens(tokenizer, tokens, {}) == "ab");
  CHECK(answer_of_tokens(tokenizer, tokens, {.thoughts = {{}, {"<|im_start|>", "<|im_end|>"}}}) ==
        "<|im_start|>a<|im_end|>b");
}
