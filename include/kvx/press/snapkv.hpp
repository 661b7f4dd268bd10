#pragma once

#include <kvx/core/error.hpp>
#include <kvx/core/pooling.hpp>
#include <kvx/press/parts/window_attention.hpp>
#include <kvx/press/policy.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace kvx::inline v0 {

/// Lets the last `window` queries vote on the tokens before them; votes are average-pooled over `kernel` neighbours,
/// and the window itself stays. Li et al., "SnapKV: LLM Knows What You are Looking for Before Generation",
/// arXiv:2404.14469. As in kvpress there is one set per KV head, by the mean over its query heads.
struct SnapKV {
  static constexpr std::string_view name = "snapkv", paper = "arXiv:2404.14469";
  int window = 64, kernel = 5;
  static constexpr auto parameters() {
    return std::tuple(Parameter{"window", &SnapKV::window, "window_size"},
                      Parameter{"kernel", &SnapKV::kernel, "kernel_size"});
  }
  void validate() const {
    if (window < 1) throw Error("snapkv: window", "expected 1 or more, found " + std::to_string(window));
    if (kernel < 1 || kernel % 2 == 0)
      throw Error("snapkv: kernel", "expected an odd number, found " + std::to_string(kernel));
  }

  Needs needs() const { return {.queries = window}; }
  void score(const PressInput& in, const Budget&, Scores out) const {
    const Index voted = in.tokens() - window;
    if (voted <= 0)
      throw NotApplicable("snapkv", "a context of " + std::to_string(in.tokens()) +
                                        " tokens is not longer than its window of " + std::to_string(window));
    out.setZero();
    const Index group = in.queries.heads() / in.kv_heads();
    for (Index i = 0; i < in.queries.heads(); ++i) {
      std::vector<float> votes(static_cast<std::size_t>(in.tokens()));
      detail::add_window_attention(in, i, votes);
      votes.resize(static_cast<std::size_t>(voted));
      average_pool(votes, kernel);
      for (Index j = 0; j < voted; ++j)
        out(i / group, j) += votes[static_cast<std::size_t>(j)] / static_cast<float>(window * group);
    }
    out.rightCols(window).setConstant(out.leftCols(voted).maxCoeff() + 1);
  }
};
static_assert(ScorePolicy<SnapKV>);

}  // namespace kvx::inline v0
