#pragma once

#include <kvx/core/error.hpp>
#include <kvx/core/token_span.hpp>
#include <kvx/press/parameters.hpp>
#include <kvx/press/parts/expect_scorer.hpp>
#include <kvx/press/policy.hpp>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace kvx::inline v0 {

/// Keeps the tokens of `spans` in any case, within the budget, and of the others those that score best. A span is
/// written as `12:57`, one token as `12`, a part of the prompt by its name. The whitelist (force_keep_global) of Chen,
/// Geh, Grover, Van den Broeck, Israel, "The Pitfalls of KV Cache Compression", arXiv:2510.00231, for any press that
/// scores.
template <ScorePolicy P>
struct Protect {
  static constexpr std::string_view name = "protect", paper = "arXiv:2510.00231";
  static constexpr bool scores_by_budget = true;  // what is protected has to fit
  P inner = {};
  int first = 0;  ///< tokens at the context's beginning
  std::vector<NamedSpan> spans = {};
  static constexpr auto parameters() {
    return std::tuple(Parameter{"first", &Protect::first}, Parameter{"span", &Protect::spans, "force_keep_global"});
  }
  void validate() const {
    detail::expect_only_scores(name, inner);
    if (first < 0) throw Error("protect: first", "expected 0 or more, found " + std::to_string(first));
    for (const NamedSpan& span : spans)
      if (span.name.empty() && (span.tokens.first < 0 || span.tokens.size() < 1))
        throw Error("protect: span", "expected 0 <= first < last, found " + detail::format_value(span));
  }

  Needs needs() const { return inner.needs(); }
  void score(const PressInput& in, const Budget& budget, Scores out) const {
    const std::vector<bool> kept = kept_tokens(in);
    const Index rows = std::count(kept.begin(), kept.end(), true);
    if (rows > budget.keep)
      throw NotApplicable(name, "a budget of " + std::to_string(budget.keep) + " rows has no room for its " +
                                    std::to_string(rows) + " protected ones");
    inner.score(in, budget, out);
    for (Index t = 0; t < in.tokens(); ++t)
      if (kept[static_cast<std::size_t>(t)]) out.col(t).setConstant(std::numeric_limits<float>::max());
  }

 private:
  std::vector<bool> kept_tokens(const PressInput& in) const {
    std::vector<bool> kept(static_cast<std::size_t>(in.tokens()));
    const auto keep = [&](const TokenSpan& tokens) {
      if (tokens.last > in.tokens())
        throw NotApplicable(name, "a context of " + std::to_string(in.tokens()) +
                                      " tokens ends before the last of its protected ones, " +
                                      std::to_string(tokens.last - 1));
      std::fill(kept.begin() + tokens.first, kept.begin() + tokens.last, true);
    };
    keep({0, first});
    for (const NamedSpan& span : spans) {
      if (span.name.empty()) {
        keep(span.tokens);
        continue;
      }
      bool known = false;
      for (const NamedSpan& part : in.spans) {
        if (part.name != span.name) continue;
        keep(part.tokens);
        known = true;
      }
      if (!known) throw NotApplicable(name, "a prompt without a span " + span.name);
    }
    return kept;
  }
};

}  // namespace kvx::inline v0
