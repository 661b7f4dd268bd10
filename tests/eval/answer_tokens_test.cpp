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
  CHECK(answer_of_tokens(tokenizer, tokens, {}) == "a");
  CHECK(answer_of_tokens(tokenizer, tokens, {.thoughts = {{}, {"<|im_start|>", "<|im_end|>"}}}) ==
        "<|im_start|>a<|im_end|>b");
}

TEST_CASE("An answer ends at the same token in a run and in a text that another engine gave") {
  const Tokenizer tokenizer = Tokenizer::load(kvx_test::kTinyModel);
  for (const std::string text :
       {"x = 1<|im_end|>\n<|im_start|>user\nAnd now?", "{}<|endoftext|>Another document", "y"}) {
    CAPTURE(text);
    const std::string of_run = answer_of_tokens(tokenizer, tokenizer.encode(text), {});
    CHECK(of_run == judged_text("", text, AnswerReading().thoughts).text);
    CHECK(judged_text("", of_run, AnswerReading().thoughts).text == of_run);
  }
}
