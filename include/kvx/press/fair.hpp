#pragma once

#include <kvx/core/error.hpp>
#include <kvx/core/token_span.hpp>
#include <kvx/press/named/parameters.hpp>
#include <kvx/press/parts/expect_scorer.hpp>
#include <kvx/press/policy.hpp>
#include <kvx/press/select.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

namespace kvx::inline v0 {

/// Evicts from two instructions of a prompt in equal proportion. The context is cut in two ranges at the start of the
/// later span, and each range keeps rows in proportion to its tokens: its best rows by the scores that the wrapped
/// press gives within that range. If no spans are given, they are the parts of the prompt named `defense` (if there is
/// none, `prepend`) and `instructions`. Chen, Geh, Grover, Van den Broeck, Israel, "The Pitfalls of KV Cache
/// Compression", arXiv:2510.00231. The press `protect` is the whitelist of this paper.
template <ScorePolicy P>
struct Fair {
  static constexpr std::string_view name = "fair", paper = "arXiv:2510.00231";
  P inner = {};                 ///< the press that scores the rows
  TokenSpan defense = {};       ///< a span of the context, in tokens
  TokenSpan instructions = {};  ///< a span that begins where `defense` ends, or ends where it begins
  static constexpr auto parameters() {
    return std::tuple(Parameter{"defense", &Fair::defense, "defense_span"},
                      Parameter{"instructions", &Fair::instructions, "sys_instr_span"});
  }
  void validate() const {
    detail::expect_only_scores(name, inner);
    if (defense == TokenSpan() && instructions == TokenSpan()) return;
    const bool in_order = defense.last == instructions.first, reversed = instructions.last == defense.first;
    if (defense.first < 0 || defense.size() < 1 || instructions.first < 0 || instructions.size() < 1 ||
        !(in_order || reversed))
      throw Error("fair: instructions", "expected a span that touches defense, " + detail::format_value(defense) +
                                            ", and does not overlap it, found " + detail::format_value(instructions));
  }

  Needs needs() const { return Hooks(inner).ranges_needs(); }
  void score(const PressInput& in, const Budget& budget, Scores out) const {
    Hooks(inner).score_ranges(in, budget, ranges(in), out);
  }
  Kept select(const PressInput& in, const Budget& budget, MatrixView<const float> scores) const {
    if (!Hooks(inner).ranges_quota()) return keep_best(scores, budget.keep);
    const Index cut = ranges(in).cut, rest = in.tokens() - cut, quota = budget.keep * cut / in.tokens();
    const auto part = [&](Index first, Index count) {
      return view(scores.data() + first, scores.rows(), count, scores.outerStride());
    };
    Kept kept = keep_best(part(0, cut), quota);
    const Kept later = keep_best(part(cut, rest), budget.keep - quota);
    for (std::size_t h = 0; h < kept.size(); ++h)
      for (const Index j : later[h]) kept[h].push_back(cut + j);
    return kept;
  }

 private:
  /// The longest part of the prompt with this name. There may be several: a defense can come both before and after the
  /// instructions.
  static TokenSpan longest(const PressInput& in, std::string_view part_name) {
    TokenSpan found;
    for (const NamedSpan& span : in.spans)
      if (span.name == part_name && span.tokens.size() > found.size()) found = span.tokens;
    return found;
  }

  Ranges ranges(const PressInput& in) const {
    if (!in.positions.empty()) throw NotApplicable(name, "a context some rows of which have been evicted");
    TokenSpan earlier = defense, later = instructions;
    if (later == TokenSpan()) {
      earlier = longest(in, "defense");
      if (earlier.size() < 1) earlier = longest(in, "prepend");
      later = longest(in, "instructions");
      if (earlier.size() < 1 || later.size() < 1)
        throw NotApplicable(name, std::string("a prompt without a span ") +
                                      (earlier.size() < 1 ? "defense" : "instructions") + ", and no spans are given");
    }
    if (later.first <= earlier.first) std::swap(earlier, later);
    if (earlier.last > later.first)
      throw NotApplicable(
          name, "the spans " + detail::format_value(earlier) + " and " + detail::format_value(later) + " overlap");
    if (later.last > in.tokens())
      throw NotApplicable(
          name, "a context of " + std::to_string(in.tokens()) + " tokens has no span " + detail::format_value(later));
    return {later.first, {earlier.first, later.first}, later};
  }
};

}  // namespace kvx::inline v0
