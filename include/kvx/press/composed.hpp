#pragma once

#include <kvx/core/error.hpp>
#include <kvx/press/allowance.hpp>
#include <kvx/press/any_policy.hpp>
#include <kvx/press/edit_layer.hpp>
#include <kvx/press/parts/expect_value.hpp>
#include <kvx/press/policy.hpp>
#include <kvx/press/select.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace kvx::inline v0 {

/// Applies several presses in turn, each to the rows that the ones before it kept, as if these were the context. The
/// last queries that a press gets are still those of the whole context. Each press removes the share that `ratios`
/// gives for it; without ratios, all presses that use the budget remove equal shares. Presses that rewrite rows do so
/// at the end, in order, so that later presses select by the original rows; in kvpress they see the rewritten ones.
struct Composed {
  static constexpr std::string_view name = "composed", paper = "";
  std::vector<AnyPolicy> parts = {};  ///< the presses, in order
  std::vector<double> ratios = {};    ///< the share of its rows that each press removes; empty: from the budget
  static constexpr auto parameters() { return std::tuple(Parameter{"ratios", &Composed::ratios}); }
  void validate() const {
    for (const AnyPolicy& part : parts)
      if (part.traits().ragged)
        throw Error(name, "expected presses that keep the same number of rows in each head, found " + part.written());
    if (!ratios.empty() && ratios.size() != parts.size())
      throw Error("composed: ratios", "expected " + std::to_string(parts.size()) + ", one for each press, found " +
                                          std::to_string(ratios.size()));
    for (const double ratio : ratios) detail::expect_ratio(name, "ratios", ratio);
  }

  Traits traits() const {
    Traits all{.own_budget = true};
    for (const AnyPolicy& part : parts) {
      const Traits part_traits = part.traits();
      all.own_budget &= part_traits.own_budget || !ratios.empty();
      all.dense_positions |= part_traits.dense_positions;
    }
    return all;
  }
  Needs needs() const {
    Needs all;
    for (const AnyPolicy& part : parts) all = all | part.needs();
    return all;
  }
  Index rows(const PressInput& in, const Budget& budget) const {
    PressInput remaining = in;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const Budget part_budget = allowance(i, budget, remaining.tokens()).resolve(remaining);
      remaining.keys = in.keys.tokens(0, parts[i].rows(remaining, part_budget) / in.kv_heads());
    }
    return remaining.tokens() * in.kv_heads();
  }
  /// Unused: select() lets each part score the rows that remain.
  void score(const PressInput&, const Budget&, Scores out) const { out.setZero(); }
  Kept select(const PressInput& in, const Budget& budget, MatrixView<const float>) const {
    Kept kept = keep_all(in.kv_heads(), in.tokens());
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const RemainingRows remaining(in, kept, parts[i].needs());
      const Kept chosen = parts[i].select(remaining.input, allowance(i, budget, remaining.input.tokens()));
      for (std::size_t h = 0; h < kept.size(); ++h) {
        std::vector<Index> rows;
        for (const Index j : chosen[h]) rows.push_back(kept[h][static_cast<std::size_t>(j)]);
        kept[h] = rows;
      }
    }
    return kept;
  }
  bool edits() const {
    return std::any_of(parts.begin(), parts.end(), [](const AnyPolicy& part) { return part.edits(); });
  }
  Index edit_queries() const {
    Index queries = 0;
    for (const AnyPolicy& part : parts) queries = std::max(queries, part.edit_queries());
    return queries;
  }
  void edit(const PressInput& in, Index head, std::span<const Index> kept, HeadRows rows) const {
    for (const AnyPolicy& part : parts) part.edit(with_queries(in, part.edit_queries()), head, kept, rows);
  }

 private:
  /// The input of a part: the rows of a layer that the parts before it kept.
  struct RemainingRows {
    PressInput input;

    RemainingRows(const PressInput& in, const Kept& kept, const Needs& needs) : input(in) {
      const auto count = static_cast<Index>(kept.front().size());
      if (count < in.tokens()) {
        for (std::size_t h = 0; h < kept.size(); ++h)
          for (const Index j : kept[h])
            positions_.push_back(static_cast<Position>(in.position(static_cast<Index>(h), j)));
        input.positions = positions_;
        input.context = in.context_tokens();
      }
      input.keys = gather(in.keys, kept, keys_);
      input.values = gather(in.values, kept, values_);
      if (needs.pre_rope_keys) input.pre_rope_keys = gather(in.pre_rope_keys, kept, pre_rope_keys_);
      // A policy that needs the queries of all tokens expects one query per key.
      input.queries = needs.queries == kAllTokens ? gather(in.queries, kept, queries_)
                                                  : with_queries(in, std::min(needs.queries, count)).queries;
      if (needs.attention) {
        const Index heads = static_cast<Index>(in.attention.size()) / in.tokens();
        gather(TensorView<const float>::head_major(in.attention.data(), heads, in.tokens(), 1), kept, attention_);
        input.attention = attention_;
      }
    }

   private:
    /// The kept rows of each head, copied to `rows`. A query head takes the rows of its KV head.
    static TensorView<const float> gather(TensorView<const float> all, const Kept& kept, std::vector<float>& rows) {
      const Index group = all.heads() / static_cast<Index>(kept.size()), dim = all.head_dim();
      for (Index i = 0; i < all.heads(); ++i)
        for (const Index j : kept[static_cast<std::size_t>(i / group)])
          rows.insert(rows.end(), all.row(i, j), all.row(i, j) + dim);
      return TensorView<const float>::head_major(rows.data(), all.heads(), static_cast<Index>(kept.front().size()),
                                                 dim);
    }

    std::vector<float> keys_, values_, pre_rope_keys_, queries_, attention_;
    std::vector<Position> positions_;
  };

  /// How many of `tokens` rows part `i` may keep. The last part that uses the budget keeps `budget.keep` rows.
  Allowance allowance(std::size_t i, const Budget& budget, Index tokens) const {
    if (!ratios.empty()) return Allowance::of_ratio(ratios[i]);
    const auto uses_budget = [](const AnyPolicy& part) { return !part.traits().own_budget; };
    if (std::none_of(parts.begin() + static_cast<std::ptrdiff_t>(i) + 1, parts.end(), uses_budget))
      return Allowance::of_tokens(budget.keep);
    const auto count = static_cast<double>(std::count_if(parts.begin(), parts.end(), uses_budget));
    const double share = 1 - std::pow(1 - budget.ratio, 1 / count);
    return budget.exact ? Allowance::of_tokens(std::max(budget.keep, kept_rows(tokens, share)))
                        : Allowance::of_ratio(share);
  }
};
static_assert(ScorePolicy<Composed>);

}  // namespace kvx::inline v0
