#pragma once

#include <kvx/press/parts/window_attention.hpp>
#include <kvx/press/policy.hpp>

#include <string_view>
#include <tuple>

namespace kvx::inline v0 {

/// Keeps what the last query attends to, by the mean over all heads, so that every KV head keeps the same tokens.
/// Oren et al., "Transformers are Multi-State RNNs", arXiv:2401.06104. The paper evicts at each decoding step and may
/// drop the last token; this evicts once and keeps it, as kvpress does.
struct Tova {
  static constexpr std::string_view name = "tova", paper = "arXiv:2401.06104";
  static constexpr auto parameters() { return std::tuple(); }

  Needs needs() const { return {.queries = 1}; }
  void score(const PressInput& in, const Budget&, Scores out) const {
    Eigen::RowVectorXf weights = Eigen::RowVectorXf::Zero(in.tokens());
    for (Index i = 0; i < in.queries.heads(); ++i) detail::add_window_attention(in, i, weights);
    weights /= static_cast<float>(in.queries.heads());
    const Index last = in.tokens() - 1;
    weights(last) = last == 0 ? 1 : weights.head(last).maxCoeff() + 1;
    for (Index h = 0; h < out.rows(); ++h) out.row(h) = weights;
  }
};
static_assert(ScorePolicy<Tova>);

}  // namespace kvx::inline v0
