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

/// Presses one after the other, each on what those before it left, as if that were the context; the queries that it is
/// shown are still those of the whole context. Each removes the share that `ratios` gives for it; without ratios, those
/// that go by the budget remove equal shares. Rows are rewritten at the end, in order, unseen by the presses that
/// follow; in kvpress these see it.
struct Composed {
  static constexpr std::string_view name = "composed", paper = "";
  std::vector<AnyPolicy> parts = {};
  std::vector<double> ratios = {};  ///< none, or one a part
  static constexpr auto parameters() { return std::tuple(Parameter{"ratios", &Composed::ratios}); }
  void validate() const {
    for (const AnyPolicy& part : parts)
      if (part.traits().ragged)
        throw Error(name, "expected presses that keep as many rows of each head, found " + part.written());
    if (!ratios.empty() && ratios.size() != parts.size())
      throw Error("composed: ratios",
                  "expected " + std::to_string(parts.size()) + ", one a press, found " + std::to_string(ratios.size()));
    for (const double ratio : ratios) detail::expect_ratio(name, "ratios", ratio);
  }

  Traits traits() const {
    Traits all{.own_budget = true};
    for (const AnyPolicy& part : parts) {
      const Traits own = part.traits();
      all.own_budget &= own.own_budget || !ratios.empty();
      all.dense_positions |= own.dense_positions;
    }
    return all;
  }
  Needs needs() const {
    Needs all;
    for (const AnyPolicy& part : parts) all = all | part.needs();
    return all;
  }
  Index rows(const PressInput& in, const Budget& budget) const {
    PressInput left = in;
    for (std::size_t i = 0; i < parts.size(); ++i)
      left.keys =
          in.keys.tokens(0, parts[i].rows(left, allowance(i, budget, left.tokens()).resolve(left)) / in.kv_heads());
    return left.tokens() * in.kv_heads();
  }
  /// Each part ranks what is left when it is its turn.
  void score(const PressInput&, const Budget&, Scores out) const { out.setZero(); }
  Kept select(const PressInput& in, const Budget& budget, MatrixView<const float>) const {
    Kept kept = keep_all(in.kv_heads(), in.tokens());
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const Left left(in, kept, parts[i].needs());
      const Kept chosen = parts[i].select(left.input, allowance(i, budget, left.input.tokens()));
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
  /// What a part is shown of a layer of which some rows are left.
  struct Left {
    PressInput input;

    Left(const PressInput& in, const Kept& kept, const Needs& needs) : input(in) {
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
      // Who asks for all queries looks for that of each key.
      input.queries = needs.queries == kAllTokens ? gather(in.queries, kept, queries_)
                                                  : with_queries(in, std::min(needs.queries, count)).queries;
      if (needs.attention) {
        const Index heads = static_cast<Index>(in.attention.size()) / in.tokens();
        gather(TensorView<const float>::head_major(in.attention.data(), heads, in.tokens(), 1), kept, attention_);
        input.attention = attention_;
      }
    }

   private:
    static TensorView<const float> gather(TensorView<const float> from, const Kept& kept, std::vector<float>& to) {
      const Index group = from.heads() / static_cast<Index>(kept.size()), dim = from.head_dim();
      for (Index i = 0; i < from.heads(); ++i)
        for (const Index j : kept[static_cast<std::size_t>(i / group)])
          to.insert(to.end(), from.row(i, j), from.row(i, j) + dim);
      return TensorView<const float>::head_major(to.data(), from.heads(), static_cast<Index>(kept.front().size()), dim);
    }

    std::vector<float> keys_, values_, pre_rope_keys_, queries_, attention_;
    std::vector<Position> positions_;
  };

  /// How many of `tokens` rows part `i` may keep. The last part that uses the budget keeps exactly what it says.
  Allowance allowance(std::size_t i, const Budget& budget, Index tokens) const {
    if (!ratios.empty()) return Allowance::of_ratio(ratios[i]);
    const auto sharing = [](const AnyPolicy& part) { return !part.traits().own_budget; };
    if (std::none_of(parts.begin() + static_cast<std::ptrdiff_t>(i) + 1, parts.end(), sharing))
      return Allowance::of_tokens(budget.keep);
    const auto count = static_cast<double>(std::count_if(parts.begin(), parts.end(), sharing));
    const double share = 1 - std::pow(1 - budget.ratio, 1 / count);
    return budget.exact ? Allowance::of_tokens(std::max(budget.keep, kept_rows(tokens, share)))
                        : Allowance::of_ratio(share);
  }
};
static_assert(ScorePolicy<Composed>);

}  // namespace kvx::inline v0
