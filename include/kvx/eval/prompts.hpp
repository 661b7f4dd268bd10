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
#include <vector>

namespace kvx::inline v0 {

/// A context, and the samples that have it.
struct PromptGroup {
  std::vector<Token> context;
  std::vector<std::size_t> samples;
};

/// What a model reads of a data set: the samples grouped by context, and the question of each, tokenized apart. Of a
/// text's pieces each is a sample, its prefix the context and its suffix in the question's place.
struct Prompts {
  std::vector<PromptGroup> groups;
  std::vector<std::vector<Token>> questions;  ///< of each sample

  explicit Prompts(std::span<const TextPiece> pieces) {
    for (const TextPiece& piece : pieces) {
      groups.push_back({piece.prefix, {questions.size()}});
      questions.push_back(piece.suffix);
    }
  }

  /// `wheres` says where each sample stands. Contexts are cut to `max_context_length` tokens, 0 cuts none. Throws Error
  /// for a context or question without a token, and for a prompt that does not fit `max_positions`.
  Prompts(std::span<const Sample> samples, std::span<const std::string> wheres, const Tokenizer& tokenizer,
          const ChatTemplate& chat, Index max_context_length, Index max_positions) {
    std::map<std::string, std::size_t> by_context;
    for (std::size_t s = 0; s < samples.size(); ++s) {
      const Sample& sample = samples[s];
      const auto parts = split_chat(chat, "", sample.context, sample.question, sample.answer_prefix);
      questions.push_back(tokenizer.encode(parts.question));
      const auto [place, is_new] = by_context.try_emplace(parts.context, groups.size());
      if (is_new) groups.push_back({tokenizer.encode(parts.context), {}});
      PromptGroup& group = groups[place->second];
      if (is_new && max_context_length > 0)
        group.context.resize(std::min(group.context.size(), static_cast<std::size_t>(max_context_length)));
      group.samples.push_back(s);
      if (group.context.empty()) throw Error(wheres[s], "expected a context, found no token");
      if (questions.back().empty()) throw Error(wheres[s], "expected a question after the context, found no token");
      const std::size_t tokens = group.context.size() + questions.back().size();
      if (static_cast<Index>(tokens) >= max_positions)
        throw Error(wheres[s], "context and question: expected fewer tokens than the model's " +
                                   std::to_string(max_positions) + " positions, found " + std::to_string(tokens) +
                                   "; --max-context-length cuts contexts");
    }
  }
};

}  // namespace kvx::inline v0
