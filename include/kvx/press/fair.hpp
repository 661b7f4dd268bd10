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

namespace kvx::inline v0 {

/// Evicts from two instructions alike: the tokens up to where they touch and those from there on keep rows in
/// proportion to their number, by scores that the press inside gives to each by itself. Chen, Geh, Grover, Van den
/// Broeck, Israel, "The Pitfalls of KV Cache Compression", arXiv:2510.00231. Where none are written they are the
/// prompt's spans `defense` (without one `prepend`) and `instructions`. What stays in any case, which the paper calls a
/// whitelist, is the press `protect`.
template <ScorePolicy P>
struct Fair {
  static constexpr std::string_view name = "fair", paper = "arXiv:2510.00231";
  P inner = {};
  TokenSpan defense = {}, instructions = {};  ///< in either order
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
  /// A defense may stand on both sides of the instructions.
  static TokenSpan longest(const PressInput& in, std::string_view wanted) {
    TokenSpan found;
    for (const NamedSpan& span : in.spans)
      if (span.name == wanted && span.tokens.size() > found.size()) found = span.tokens;
    return found;
  }

  Ranges ranges(const PressInput& in) const {
    if (!in.positions.empty()) throw NotApplicable(name, "a context of which rows have gone");
    TokenSpan one = defense, other = instructions;
    if (other == TokenSpan()) {
      one = longest(in, "defense");
      if (one.size() < 1) one = longest(in, "prepend");
      other = longest(in, "instructions");
      if (one.size() < 1 || other.size() < 1)
        throw NotApplicable(name, std::string("a prompt without a span ") +
                                      (one.size() < 1 ? "defense" : "instructions") + ", and none are written");
    }
    const TokenSpan earlier = one.first < other.first ? one : other, later = one.first < other.first ? other : one;
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
