#pragma once

#include <kvx/kernels/rope.hpp>
#include <kvx/press/parts/expect_scorer.hpp>
#include <kvx/press/policy.hpp>

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <span>
#include <string_view>
#include <vector>

namespace kvx::inline v0::detail {

/// The input of a policy for some rows of a layer, as if these were the whole context. Every KV head has the same
/// number of rows, and a query head takes the rows of its KV head. The queries are the last ones of these rows, but
/// rotated to the last positions of the context, as in kvpress.
class GatheredInput {
 public:
  GatheredInput(const PressInput& all, const Needs& needs, const Kept& rows) : input_(all) {
    const auto count = rows.front().size();
    input_.keys = gather(all.keys, rows, count, keys_);
    input_.values = gather(all.values, rows, count, values_);
    for (std::size_t h = 0; h < rows.size(); ++h)
      for (const Index t : rows[h]) positions_.push_back(static_cast<Position>(all.position(static_cast<Index>(h), t)));
    input_.positions = positions_;
    input_.context = all.context_tokens();
    if (needs.pre_rope_keys) input_.pre_rope_keys = gather(all.pre_rope_keys, rows, count, pre_rope_keys_);
    if (needs.pre_rope_queries) input_.pre_rope_queries = gather(all.pre_rope_queries, rows, count, pre_rope_queries_);
    if (needs.queries > 0) {
      const Index window = std::min(needs.queries, static_cast<Index>(count));
      input_.queries = gather(all.pre_rope_queries, rows, static_cast<std::size_t>(window), queries_);
      std::vector<Position> positions(static_cast<std::size_t>(window));
      std::iota(positions.begin(), positions.end(), static_cast<Position>(all.tokens() - window));
      const RopeTable rope(all.inv_freq, positions, all.rope_factor);
      for (std::size_t row = 0; row < queries_.size() / static_cast<std::size_t>(all.head_dim()); ++row)
        rope.rotate(static_cast<Index>(row) % window, &queries_[row * static_cast<std::size_t>(all.head_dim())]);
    }
  }
  GatheredInput(const GatheredInput&) = delete;
  GatheredInput& operator=(const GatheredInput&) = delete;

  const PressInput& operator*() const { return input_; }

 private:
  /// The last `count` of the rows `rows` of each head of `all`, copied to `copy`.
  static TensorView<const float> gather(const TensorView<const float>& all, const Kept& rows, std::size_t count,
                                        std::vector<float>& copy) {
    const Index group = all.heads() / static_cast<Index>(rows.size());
    copy.reserve(count * static_cast<std::size_t>(all.heads() * all.head_dim()));
    for (Index i = 0; i < all.heads(); ++i)
      for (const Index t : std::span(rows[static_cast<std::size_t>(i / group)]).last(count))
        copy.insert(copy.end(), all.row(i, t), all.row(i, t) + all.head_dim());
    return TensorView<const float>::head_major(copy.data(), all.heads(), static_cast<Index>(count), all.head_dim());
  }

  PressInput input_;
  std::vector<float> keys_, values_, pre_rope_keys_, pre_rope_queries_, queries_;
  std::vector<Position> positions_;
};

/// The inputs from which GatheredInput makes those that a policy needs: queries are rotated anew, from those before
/// RoPE.
inline Needs needs_to_gather(Needs inner) {
  if (inner.queries > 0) inner.pre_rope_queries = true;
  inner.queries = 0;
  return inner;
}

/// Throws Error unless `inner` only scores, and can do so from a GatheredInput: this has no attention sums, since they
/// would include queries of other rows.
template <class P>
void expect_gatherable(std::string_view press, const P& inner) {
  expect_only_scores(press, inner);
  expect_inner(press, inner, !Hooks(inner).needs().attention, "does not need the attention of all queries");
}

}  // namespace kvx::inline v0::detail
