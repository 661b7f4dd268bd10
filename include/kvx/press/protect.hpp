#pragma once

#include <kvx/core/error.hpp>
#include <kvx/core/token_span.hpp>
#include <kvx/press/named/parameters.hpp>
#include <kvx/press/parts/expect_scorer.hpp>
#include <kvx/press/parts/expect_value.hpp>
#include <kvx/press/policy.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// Always keeps the first `first` tokens and the tokens of `spans`, and fills the rest of the budget with the rows that
/// the wrapped press scores highest. A span is written as `12:57`, a single token as `12`, a part of the prompt by its
/// name. Positions are those in the context, even if rows have been evicted before. If the budget has no room for all
/// of these tokens, the press is not applicable. This is the whitelist (force_keep_global) of Chen, Geh, Grover, Van
/// den Broeck, Israel, "The Pitfalls of KV Cache Compression", arXiv:2510.00231, for any press that only scores.
template <ScorePolicy P>
struct Protect {
  static constexpr std::string_view name = "protect", paper = "arXiv:2510.00231";
  P inner = {};   ///< the press that scores the other rows
  int first = 0;  ///< tokens at the beginning of the context that stay
  std::vector<NamedSpan> spans =
      {};  ///< the parameter `span`: spans of tokens, or names of parts of the prompt, that stay
  static constexpr auto parameters() {
    return std::tuple(Parameter{"first", &Protect::first}, Parameter{"span", &Protect::spans, "force_keep_global"});
  }
  void validate() const {
    detail::expect_only_scores(name, inner);
    detail::expect_at_least(name, "first", 0, first);
    for (const NamedSpan& span : spans)
      if (span.name.empty() && (span.tokens.first < 0 || span.tokens.size() < 1))
        throw Error("protect: span", "expected 0 <= first < last, found " + detail::format_value(span));
  }

  /// score() depends on the budget, since it throws if the protected rows do not fit into it.
  Traits traits() const { return {.scores_by_budget = true, .by_position = true}; }
  /// The tokens in spans that are given as numbers, and the protected rows of the wrapped press.
  Index protected_rows() const {
    std::vector<TokenSpan> numbered = {{0, first}};
    for (const NamedSpan& span : spans)
      if (span.name.empty()) numbered.push_back(span.tokens);
    return Hooks(inner).protected_rows() + size_of_union(std::move(numbered));
  }
  void score(const PressInput& in, const Budget& budget, Scores out) const {
    Hooks(inner).score(in, budget, out);
    for (const TokenSpan& span : spans_of(in))
      for (Index h = 0; h < out.rows(); ++h)
        for (Index t = 0; t < in.tokens(); ++t)
          if (const Index position = in.position(h, t); span.first <= position && position < span.last)
            out(h, t) = kProtected;
    for (Index h = 0; h < out.rows(); ++h)
      if (const Index rows = (out.row(h).array() == kProtected).count(); rows > budget.keep)
        throw NotApplicable(name, "a budget of " + std::to_string(budget.keep) + " rows has no room for its " +
                                      std::to_string(rows) + " protected rows");
  }

 private:
  /// The protected positions of this context.
  std::vector<TokenSpan> spans_of(const PressInput& in) const {
    std::vector<TokenSpan> found = {{0, first}};
    for (const NamedSpan& span : spans) {
      if (span.name.empty()) {
        found.push_back(span.tokens);
        continue;
      }
      const std::size_t before = found.size();
      for (const NamedSpan& part : in.spans)
        if (part.name == span.name) found.push_back(part.tokens);
      if (found.size() == before) throw NotApplicable(name, "a prompt without a span " + span.name);
    }
    for (const TokenSpan& span : found)
      if (span.last > in.context_tokens())
        throw NotApplicable(name, "a context of " + std::to_string(in.context_tokens()) +
                                      " tokens ends before its last protected token, " + std::to_string(span.last - 1));
    return found;
  }
  /// The number of tokens in at least one of the spans.
  static Index size_of_union(std::vector<TokenSpan> spans) {
    std::sort(spans.begin(), spans.end(), [](const TokenSpan& a, const TokenSpan& b) { return a.first < b.first; });
    Index size = 0, last = 0;
    for (const TokenSpan& span : spans) {
      size += std::max<Index>(0, span.last - std::max(span.first, last));
      last = std::max(last, span.last);
    }
    return size;
  }
};

}  // namespace kvx::inline v0
