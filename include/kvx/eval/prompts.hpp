#pragma once

#include <kvx/core/error.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/core/token.hpp>
#include <kvx/eval/text_pieces.hpp>
#include <kvx/score/sample.hpp>
#include <kvx/text/chat_template.hpp>
#include <kvx/text/tokenizer.hpp>

#include <algorithm>
#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// What follows a context for one sample: its question, or a text that is predicted.
struct Prompt {
  std::size_t sample;         ///< its place among the task's samples
  std::vector<Token> tokens;  ///< of the question, and of its reference where that is predicted
  std::size_t given = 1;      ///< tokens before the first that is predicted
};

/// A context, and what follows it for each sample that has it.
struct PromptGroup {
  std::vector<Token> context;
  std::vector<Prompt> prompts = {};
  bool query_aware = false;  ///< whether the context ends with the question
};

/// Turns samples into what a model reads, with context and question tokenized apart.
struct Prompter {
  const Tokenizer& tokenizer;
  const ChatTemplate& chat;
  Index max_context_length, max_positions;  ///< contexts are cut to the first, 0 cuts none

  /// The samples, grouped by context. `wheres` says where each stands; `references`, if there are any, are predicted
  /// after the questions. Query-aware contexts end with their question, and what follows is the opening of the answer.
  /// Throws Error for a context or question without a token, and for a prompt that does not fit the positions.
  std::vector<PromptGroup> groups(std::span<const Sample> samples, std::span<const std::string> wheres,
                                  bool query_aware = false, std::span<const std::string> references = {}) const {
    if (query_aware && max_context_length > 0)
      throw Error("query-aware", "expected without max-context-length, which would cut the questions");
    std::vector<PromptGroup> groups;
    std::map<std::string, std::size_t> by_context;
    for (std::size_t s = 0; s < samples.size(); ++s) {
      const Sample& sample = samples[s];
      const auto parts = query_aware ? split_chat(chat, "", sample.context + sample.question, "", sample.answer_prefix)
                                     : split_chat(chat, "", sample.context, sample.question, sample.answer_prefix);
      const auto [place, is_new] = by_context.try_emplace(parts.context, groups.size());
      if (is_new) groups.push_back({tokenizer.encode(parts.context), {}, query_aware});
      PromptGroup& group = groups[place->second];
      if (is_new && max_context_length > 0)
        group.context.resize(std::min(group.context.size(), static_cast<std::size_t>(max_context_length)));
      Prompt prompt{s, tokenizer.encode(parts.question)};
      if (query_aware && prompt.tokens.empty() &&
          !(is_new && group.context.size() < 2)) {  // no opening: the last token stands apart
        prompt.tokens = is_new ? std::vector{group.context.back()} : group.prompts.front().tokens;
        if (is_new) group.context.pop_back();
      }
      if (group.context.empty()) throw Error(wheres[s], "expected a context, found no token");
      if (prompt.tokens.empty()) throw Error(wheres[s], "expected a question after the context, found no token");
      if (!references.empty()) {
        prompt.given = prompt.tokens.size();
        const auto reference = tokenizer.encode(references[s]);
        prompt.tokens.insert(prompt.tokens.end(), reference.begin(), reference.end());
      }
      const std::size_t tokens = group.context.size() + prompt.tokens.size();
      if (static_cast<Index>(tokens) >= max_positions)
        throw Error(wheres[s], "context and question: expected fewer tokens than the model's " +
                                   std::to_string(max_positions) + " positions, found " + std::to_string(tokens) +
                                   "; --max-context-length cuts contexts");
      group.prompts.push_back(std::move(prompt));
    }
    return groups;
  }
};

}  // namespace kvx::inline v0
