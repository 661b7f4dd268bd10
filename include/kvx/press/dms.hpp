#pragma once

#include <kvx/core/error.hpp>
#include <kvx/press/parts/expect_scorer.hpp>
#include <kvx/press/parts/expect_value.hpp>
#include <kvx/press/policy.hpp>
#include <kvx/press/select.hpp>

#include <cstddef>
#include <optional>
#include <string_view>
#include <tuple>
#include <vector>

namespace kvx::inline v0 {

/// Evicts every row whose score is below `threshold`, except the last `window` rows, whatever the budget is. With
/// `window=0` a head may lose all its rows. With `decoding=true`, rows are also evicted while answers are decoded, each
/// when it leaves the window. Lancucki et al., "Inference-Time Hyper-Scaling with KV Cache Compression",
/// arXiv:2506.05345, learns which rows to evict and delays evictions by the window; here, as in kvpress, the scores of
/// any press replace the learned decisions.
template <ScorePolicy P>
struct Dms {
  static constexpr std::string_view name = "dms", kvpress_name = "DMS", paper = "arXiv:2506.05345";
  P inner = {};                          ///< the press that scores the rows
  std::optional<double> threshold = {};  ///< rows with lower scores are evicted; must be given
  int window = 128;                      ///< the number of newest rows that stay
  bool while_decoding = false;           ///< the parameter `decoding`: also evict while answers are decoded
  static constexpr auto parameters() {
    return std::tuple(Parameter{"threshold", &Dms::threshold}, Parameter{"window", &Dms::window, "sliding_window_size"},
                      Parameter{"decoding", &Dms::while_decoding});
  }
  void validate() const {
    if (!threshold) throw Error("dms: threshold", "expected the lowest score that stays, found none");
    detail::expect_at_least(name, "window", 0, window);
    detail::expect_only_scores(name, inner);
    detail::expect_inner(name, inner, !while_decoding || Hooks(inner).traits().row_wise,
                         "scores each row independently of the others, as decoding=true requires");
  }

  Traits traits() const { return {.own_budget = true, .ragged = true, .outermost = while_decoding}; }
  std::optional<SlidingThreshold> sliding_threshold() const {
    if (!while_decoding) return std::nullopt;
    return SlidingThreshold{static_cast<float>(*threshold), window};
  }
  Index rows(const PressInput& in, const Budget&) const { return in.kv_heads() * in.tokens(); }
  Kept select(const PressInput& in, const Budget&, MatrixView<const float> scores) const {
    Kept kept = keep_all(in.kv_heads(), in.tokens());
    for (Index h = 0; h < in.kv_heads(); ++h)
      std::erase_if(kept[static_cast<std::size_t>(h)],
                    [&](Index j) { return j < in.tokens() - window && scores(h, j) < static_cast<float>(*threshold); });
    return kept;
  }
};

}  // namespace kvx::inline v0
