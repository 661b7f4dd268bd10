#pragma once

#include <kvx/core/token.hpp>
#include <kvx/score/judged_text.hpp>
#include <kvx/score/special_tokens.hpp>
#include <kvx/score/thought_marks.hpp>
#include <kvx/score/tool_call/call_marks.hpp>
#include <kvx/text/tokenizer.hpp>

#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kvx::inline v0 {

/// The text of an answer's tokens, up to the first special token that ends an answer in judged_text(), too. The marks
/// of thoughts and of calls are kept; other special tokens are left out.
inline std::string answer_of_tokens(const Tokenizer& tokenizer, std::span<const Token> tokens,
                                    const AnswerReading& reading) {
  const auto calls = call_marks(reading.tool_forms);
  std::vector<Token> shown;
  for (const Token token : tokens) {
    const auto is_mark = [&](const ThoughtMarks& marks) {
      return tokenizer.token_id(marks.open) == token || tokenizer.token_id(marks.close) == token;
    };
    const auto is_call_mark = [&](std::string_view mark) { return tokenizer.token_id(mark) == token; };
    if (!tokenizer.is_special(token) || std::ranges::any_of(reading.thoughts, is_mark) ||
        std::ranges::any_of(calls, is_call_mark))
      shown.push_back(token);
    else if (detail::ends_answer(tokenizer.token_text(token)))
      break;
  }
  return tokenizer.decode(shown);
}

}  // namespace kvx::inline v0
