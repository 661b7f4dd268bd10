#pragma once

#include <kvx/core/token.hpp>
#include <kvx/score/judged_text.hpp>
#include <kvx/score/thought_marks.hpp>
#include <kvx/text/tokenizer.hpp>

#include <algorithm>
#include <span>
#include <string>
#include <vector>

namespace kvx::inline v0 {

/// The text of an answer's tokens. Special tokens are left out, except the marks of thoughts.
inline std::string answer_of_tokens(const Tokenizer& tokenizer, std::span<const Token> tokens,
                                    const AnswerReading& reading) {
  std::vector<Token> shown;
  for (const Token token : tokens) {
    const auto is_mark = [&](const ThoughtMarks& marks) {
      return tokenizer.token_id(marks.open) == token || tokenizer.token_id(marks.close) == token;
    };
    if (!tokenizer.is_special(token) || std::ranges::any_of(reading.thoughts, is_mark)) shown.push_back(token);
  }
  return tokenizer.decode(shown);
}

}  // namespace kvx::inline v0
