#pragma once

#include <kvx/core/error.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/core/token.hpp>
#include <kvx/core/token_span.hpp>
#include <kvx/eval/run/text_pieces.hpp>
#include <kvx/score/sample.hpp>
#include <kvx/text/chat_split.hpp>
#include <kvx/text/chat_template.hpp>
#include <kvx/text/span_marks.hpp>
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

/// The tokens that follow a context for one sample: its question, or a text that is predicted.
struct Prompt {
  std::size_t sample;         ///< index among the task's samples
  std::vector<Token> tokens;  ///< of the question, then of the reference answer if that is predicted
  std::size_t given = 1;      ///< number of tokens before the first predicted one
};

/// A context, and the prompts of all samples that have it.
struct PromptGroup {
  std::vector<Token> context;
  std::vector<Prompt> prompts = {};
  bool query_aware = false;           ///< whether the context ends with the question
  std::vector<NamedSpan> spans = {};  ///< the parts of the context, in the order in which they begin
};

/// Turns samples into tokens. Context and question are tokenized separately.
struct Prompter {
  const Tokenizer& tokenizer;
  const ChatTemplate& chat;
  Index max_context_length, max_positions;  ///< contexts are cut to the former; 0: no cut
  std::vector<NamedSpan> spans = {};        ///< of every context; they replace marked spans of the same name

  /// The samples at the indices `taken`, grouped by context. `locations` has the file and line of each sample, for
  /// errors. `references`, if there are any, are predicted after the questions. A query-aware context ends with its
  /// question; the opening of the answer follows it. Without a chat template, a context begins with the tokens that the
  /// tokenizer puts before a plain text. Throws Error for a context or question without a token, and for a prompt that
  /// does not fit the model's positions.
  std::vector<PromptGroup> groups(std::span<const Sample> samples, std::span<const std::string> locations,
                                  std::span<const std::size_t> taken, bool query_aware = false,
                                  std::span<const std::string> references = {}) const {
    if (query_aware && max_context_length > 0)
      throw Error("query-aware", "expected no max-context-length, which would cut off the questions");
    const std::vector<Token> start = chat.is_none() ? tokenizer.frame().before : std::vector<Token>();
    std::vector<PromptGroup> groups;
    // Texts that differ only in their marks are different contexts.
    std::map<std::pair<std::string, std::string>, std::size_t> by_context;
    for (const std::size_t s : taken) {
      const Sample& sample = samples[s];
      const MarkedText system = read_span_marks(sample.system, locations[s] + ": system"),
                       context = read_span_marks(sample.context, locations[s] + ": context");
      const std::string user = context.text + (query_aware ? sample.question : "");
      const OneTurnChat turn(chat, system.text, query_aware ? user : user + sample.question);
      const std::size_t cut = turn.place_in_user(user.size());
      const ChatParts parts = {turn.text().substr(0, cut), turn.text().substr(cut).append(sample.answer_prefix)};
      std::vector<TextSpan> places = system.spans;
      for (TextSpan& span : places)
        span = {span.name, turn.place_in_system(span.first), turn.place_in_system(span.last)};
      for (const TextSpan& span : context.spans)
        places.push_back({span.name, turn.place_in_user(span.first), turn.place_in_user(span.last)});
      const auto [place, is_new] =
          by_context.try_emplace({parts.context, sample.system + '\0' + sample.context}, groups.size());
      if (is_new) {
        groups.push_back({start, {}, query_aware});
        const auto tokens = tokenizer.encode(parts.context);
        groups.back().context.insert(groups.back().context.end(), tokens.begin(), tokens.end());
        groups.back().spans = token_spans(parts.context, places, tokens, static_cast<Index>(start.size()));
      }
      PromptGroup& group = groups[place->second];
      if (is_new && max_context_length > 0)
        group.context.resize(std::min(group.context.size(), static_cast<std::size_t>(max_context_length)));
      Prompt prompt{s, tokenizer.encode(parts.question)};
      if (query_aware && prompt.tokens.empty() &&
          !(is_new && group.context.size() < 2)) {  // no opening: the context's last token is the question
        prompt.tokens = is_new ? std::vector{group.context.back()} : group.prompts.front().tokens;
        if (is_new) group.context.pop_back();
      }
      if (group.context.empty()) throw Error(locations[s], "expected a context, found no token");
      if (prompt.tokens.empty()) throw Error(locations[s], "expected a question after the context, found no token");
      if (!references.empty()) {
        prompt.given = prompt.tokens.size();
        const auto reference = tokenizer.encode(references[s]);
        prompt.tokens.insert(prompt.tokens.end(), reference.begin(), reference.end());
      }
      const std::size_t tokens = group.context.size() + prompt.tokens.size();
      if (static_cast<Index>(tokens) >= max_positions)
        throw Error(locations[s], "context and question: expected fewer tokens than the model's " +
                                      std::to_string(max_positions) + " positions, found " + std::to_string(tokens) +
                                      "; --max-context-length cuts contexts");
      group.prompts.push_back(std::move(prompt));
    }
    for (PromptGroup& group : groups) clip(group);
    return groups;
  }

  /// A group of a context without marks. Its spans are those of every context.
  PromptGroup group(std::vector<Token> context) const {
    PromptGroup result{std::move(context)};
    result.spans = spans;
    clip(result);
    return result;
  }

 private:
  /// The spans that every context has, and those at `places` in `text`, as spans of tokens. `tokens` are the tokens of
  /// `text`; `offset` other tokens precede them.
  std::vector<NamedSpan> token_spans(std::string_view text, std::span<const TextSpan> places,
                                     std::span<const Token> tokens, Index offset) const {
    std::vector<NamedSpan> all = spans;
    for (const TextSpan& span : places) {
      const auto same = [&](const NamedSpan& other) { return other.name == span.name; };
      if (std::ranges::none_of(spans, same))
        all.push_back({span.name,
                       {offset + static_cast<Index>(tokenizer.token_at(text, span.first, tokens)),
                        offset + static_cast<Index>(tokenizer.token_at(text, span.last, tokens))}});
    }
    std::ranges::stable_sort(all, {}, [](const NamedSpan& span) { return span.tokens.first; });
    return all;
  }

  /// Cuts the spans to the length of the context, and removes those that are empty.
  static void clip(PromptGroup& group) {
    for (NamedSpan& span : group.spans)
      span.tokens.last = std::min(span.tokens.last, static_cast<Index>(group.context.size()));
    std::erase_if(group.spans, [](const NamedSpan& span) { return span.tokens.size() < 1; });
  }
};

}  // namespace kvx::inline v0
