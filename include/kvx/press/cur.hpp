#pragma once

#include <kvx/core/split_mix.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/press/parts/expect_value.hpp>
#include <kvx/press/parts/leverage_scores.hpp>
#include <kvx/press/policy.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <tuple>

namespace kvx::inline v0 {

/// Which squared norms CUR scores by: of keys, of values, their mean, or their product.
enum class CurLeverage { key, value, kv_avg, kv_product };
constexpr auto names_of(CurLeverage) { return std::array<std::string_view, 4>{"key", "value", "kv_avg", "kv_product"}; }

/// Keeps the first `sinks` tokens and the rows of highest leverage in a CUR decomposition of keys and values, where
/// squared norms approximate leverage. The score is by default |k|^2 |v|^2, each norm divided by the sum over its block
/// of `local_window` tokens. As in kvpress, `random_leverage` first projects keys and values to 20 random channels;
/// kvpress draws the projection anew at each call, kvx from the seed and the layer. Sengupta et al., "Value-Guided KV
/// Compression for LLMs via Approximated CUR Decomposition", arXiv:2509.15038.
struct CUR {
  static constexpr std::string_view name = "cur", paper = "arXiv:2509.15038";
  int sinks = 4;                                   ///< tokens at the beginning that stay
  CurLeverage leverage = CurLeverage::kv_product;  ///< which squared norms are used
  bool local_approximation = true;                 ///< whether norms are divided by the sum over their block
  int local_window = 16;                           ///< tokens per block
  bool random_leverage = false;                    ///< whether keys and values are first projected to random channels
  std::optional<std::uint64_t> seed = {};          ///< of the random projection; none: 0
  Matrix<float> projection = {};                   ///< [head_dim, channels]; empty: drawn from the seed
  static constexpr auto parameters() {
    return std::tuple(
        Parameter{"sinks", &CUR::sinks, "num_sinks"}, Parameter{"leverage", &CUR::leverage, "leverage_type"},
        Parameter{"local_approximation", &CUR::local_approximation, "use_local_approximation"},
        Parameter{"local_window", &CUR::local_window, "local_window_size"},
        Parameter{"random_leverage", &CUR::random_leverage, "use_random_leverage"}, Parameter{"seed", &CUR::seed});
  }
  void validate() const {
    detail::expect_at_least(name, "sinks", 0, sinks);
    detail::expect_at_least(name, "local_window", 1, local_window);
  }

  bool draws() const { return random_leverage; }
  Index protected_rows() const { return sinks; }
  Needs needs() const { return {}; }
  void score(const PressInput& in, const Budget&, Scores out) const {
    const Matrix<float> projection_matrix = random_leverage ? projection_of(in) : Matrix<float>();
    const auto norms_of = [&](MatrixView<const float> rows) {
      if (!random_leverage) return norms(rows);
      const Matrix<float> projected_rows = rows.lazyProduct(projection_matrix);
      return norms(view(projected_rows));
    };
    for (Index h = 0; h < out.rows(); ++h) {
      const Norms keys = norms_of(in.keys.head(h)), values = norms_of(in.values.head(h));
      switch (leverage) {
        case CurLeverage::key:
          out.row(h) = keys;
          break;
        case CurLeverage::value:
          out.row(h) = values;
          break;
        case CurLeverage::kv_avg:
          out.row(h) = (keys + values) / 2;
          break;
        case CurLeverage::kv_product:
          out.row(h) = keys * values;
          break;
      }
      out.row(h) /= out.row(h).sum();
    }
    out.leftCols(std::min<Index>(sinks, in.tokens())).setOnes();
  }

 private:
  using Norms = Eigen::Array<float, 1, Eigen::Dynamic, Eigen::RowMajor | Eigen::DontAlign>;

  Matrix<float> projection_of(const PressInput& in) const {
    if (projection.size() > 0) return projection;
    constexpr Index kChannels = 20;
    SplitMix64 random(SplitMix64(seed.value_or(0)).next() + static_cast<std::uint64_t>(in.layer));
    return detail::draw_sketch(random, in.head_dim(), kChannels);
  }
  Norms norms(MatrixView<const float> rows) const {
    Norms squared = rows.rowwise().squaredNorm().transpose();
    for (Index first = 0; local_approximation && first < squared.size(); first += local_window) {
      auto block = squared.segment(first, std::min<Index>(local_window, squared.size() - first));
      block /= block.sum();
    }
    return squared;
  }
};
static_assert(ScorePolicy<CUR>);

}  // namespace kvx::inline v0
