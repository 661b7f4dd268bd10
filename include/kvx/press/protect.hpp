#pragma once

#include <kvx/core/error.hpp>
#include <kvx/core/token_span.hpp>
#include <kvx/press/parameters.hpp>
#include <kvx/press/parts/expect_scorer.hpp>
#include <kvx/press/policy.hpp>

#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>

namespace kvx::inline v0 {

/// Keeps the `first` tokens and those of `span` in any case, within the budget, and of the others those that score
/// best. The whitelist of Chen, Geh, Grover, Van den Broeck, Israel, "The Pitfalls of KV Cache Compression",
/// arXiv:2510.00231, for any press that scores.
template <ScorePolicy P>
struct Protect {
  static constexpr std::string_view name = "protect", paper = "arXiv:2510.00231";
  static constexpr bool scores_by_budget = true;  // what is protected has to fit
  P inner = {};
  int first = 0;
  std::optional<TokenSpan> span = {};
  static constexpr auto parameters() {
    return std::tuple(Parameter{"first", &Protect::first}, Parameter{"span", &Protect::span});
  }
  void validate() const {
    detail::expect_only_scores(name, inner);
    if (first < 0) throw Error("protect: first", "expected 0 or more, found " + std::to_string(first));
    if (span && (span->first < 0 || span->size() < 1))
      throw Error("protect: span", "expected 0 <= first < last, found " + detail::format_value(*span));
  }

  Needs needs() const { return inner.needs(); }
  void score(const PressInput& in, const Budget& budget, Scores out) const {
    const TokenSpan also = span.value_or(TokenSpan{first, first});
    const Index least = std::max<Index>(first, also.last), from = std::max<Index>(first, also.first);
    if (least > in.tokens())
      throw NotApplicable(name, "a context of " + std::to_string(in.tokens()) + " tokens ends before the last of its " +
                                    std::to_string(least) + " protected ones");
    const Index rows = first + std::max<Index>(0, also.last - from);
    if (rows > budget.keep)
      throw NotApplicable(name, "a budget of " + std::to_string(budget.keep) + " rows has no room for its " +
                                    std::to_string(rows) + " protected ones");
    inner.score(in, budget, out);
    out.leftCols(first).setConstant(std::numeric_limits<float>::max());
    out.middleCols(from, rows - first).setConstant(std::numeric_limits<float>::max());
  }
};

}  // namespace kvx::inline v0
