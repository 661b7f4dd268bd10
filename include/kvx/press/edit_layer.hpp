#pragma once

#include <kvx/cache/kv_cache.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/press/any_policy.hpp>
#include <kvx/press/policy.hpp>

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// The inputs that a policy needs for scoring and for rewriting rows.
inline Needs needs_of(const AnyPolicy& policy) { return policy.needs() | Needs{.queries = policy.edit_queries()}; }

/// A copy of a layer's rows as floats, for a PressInput.
class FloatRows {
 public:
  explicit FloatRows(const LayerCache& layer)
      : heads_(static_cast<Index>(layer.size())), tokens_(layer.front().rows()), head_dim_(layer.front().head_dim()) {
    keys_.resize(static_cast<std::size_t>(heads_ * tokens_ * head_dim_));
    values_.resize(keys_.size());
    for (Index h = 0; h < heads_; ++h)
      layer[static_cast<std::size_t>(h)].copy_to(tensor(keys_).row(h, 0), tensor(values_).row(h, 0));
  }
  TensorView<float> keys() { return tensor(keys_); }
  TensorView<float> values() { return tensor(values_); }

 private:
  TensorView<float> tensor(std::vector<float>& data) {
    return TensorView<float>::head_major(data.data(), heads_, tokens_, head_dim_);
  }

  Index heads_, tokens_, head_dim_;
  std::vector<float> keys_, values_;
};

/// A layer with only the rows `kept`, rewritten if the policy rewrites rows. `in` must have the layer's number and, for
/// a policy that rewrites rows, inv_freq and the last edit_queries() queries; its other fields are not used.
inline LayerCache edited(const AnyPolicy& policy, PressInput in, const LayerCache& layer, const Kept& kept) {
  LayerCache compact_layer = compacted(layer, kept);
  if (!policy.traits().edits) return compact_layer;
  FloatRows all(layer);
  in.keys = all.keys();
  in.values = all.values();
  for (Index h = 0; h < in.kv_heads(); ++h) {
    HeadCache& head = compact_layer[static_cast<std::size_t>(h)];
    Matrix<float> kept_keys, kept_values;
    head.visit([&](auto stored_keys, auto stored_values) {
      kept_keys = stored_keys.template cast<float>();
      kept_values = stored_values.template cast<float>();
    });
    std::vector<Position> positions(head.positions().begin(), head.positions().end());
    policy.edit(in, h, kept[static_cast<std::size_t>(h)], {view(kept_keys), view(kept_values), positions});
    HeadCache rewritten(head.dtype(), head.head_dim());
    rewritten.reserve(head.rows());
    for (Index j = 0; j < head.rows(); ++j)
      rewritten.append(positions[static_cast<std::size_t>(j)], kept_keys.row(j).data(), kept_values.row(j).data());
    head = std::move(rewritten);
  }
  return compact_layer;
}

/// The position of the first token after a context of `tokens` tokens: `tokens`, or, if the policy renumbers the rows,
/// the position after the highest one in any layer and head.
inline Position position_after(const AnyPolicy& policy, const KvCache& cache, Index tokens) {
  if (!policy.traits().dense_positions) return static_cast<Position>(tokens);
  Position next = 0;
  for (Index l = 0; l < cache.layers(); ++l)
    for (const HeadCache& head : cache.layer(l))
      if (head.rows() > 0) next = std::max(next, head.positions().back() + 1);
  return next;
}

}  // namespace kvx::inline v0
