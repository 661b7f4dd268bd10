#pragma once

#include <kvx/press/parts/window_attention.hpp>
#include <kvx/press/policy.hpp>

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <tuple>
#include <vector>

namespace kvx::inline v0 {

/// Keeps what the last query attends to, by the mean over all heads, so that every KV head keeps the same tokens.
/// Oren et al., "Transformers are Multi-State RNNs", arXiv:2401.06104. The paper evicts at each decoding step and may
/// drop the last token; this evicts once and keeps it, as kvpress does.
struct Tova {
  static constexpr std::string_view name = "tova", paper = "arXiv:2401.06104";
  static constexpr auto parameters() { return std::tuple(); }

  Needs needs() const { return {.queries = 1}; }
  void score(const PressInput& in, const Budget&, Scores out) const {
    std::vector<float> weights(static_cast<std::size_t>(in.tokens()));
    for (Index i = 0; i < in.queries.heads(); ++i) detail::add_window_attention(in, i, weights);
    for (float& weight : weights) weight /= static_cast<float>(in.queries.heads());
    weights.back() = 0;
    weights.back() = *std::max_element(weights.begin(), weights.end()) + 1;
    for (Index h = 0; h < out.rows(); ++h) std::copy(weights.begin(), weights.end(), out.row(h).data());
  }
};
static_assert(ScorePolicy<Tova>);

}  // namespace kvx::inline v0
