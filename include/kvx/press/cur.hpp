#pragma once

#include <kvx/core/error.hpp>
#include <kvx/press/policy.hpp>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <tuple>

namespace kvx::inline v0 {

/// Whose rows' squared norms CUR takes.
enum class CurLeverage { key, value, kv_avg, kv_product };
constexpr auto names_of(CurLeverage) { return std::array<std::string_view, 4>{"key", "value", "kv_avg", "kv_product"}; }

/// Keeps the sinks and the tokens of highest leverage in a CUR decomposition of keys and values, with squared norms in
/// place of leverage scores. Sengupta et al., "Value-Guided KV Compression for LLMs via Approximated CUR
/// Decomposition", arXiv:2509.15038. As in kvpress, `local_approximation` takes the norms relative to their block of
/// `local_window` tokens. The variant that projects rows at random first is left out.
struct CUR {
  static constexpr std::string_view name = "cur", paper = "arXiv:2509.15038";
  int sinks = 4;
  CurLeverage leverage = CurLeverage::kv_product;
  bool local_approximation = true;
  int local_window = 16;
  static constexpr auto parameters() {
    return std::tuple(Parameter{"sinks", &CUR::sinks, "num_sinks"},
                      Parameter{"leverage", &CUR::leverage, "leverage_type"},
                      Parameter{"local_approximation", &CUR::local_approximation, "use_local_approximation"},
                      Parameter{"local_window", &CUR::local_window, "local_window_size"});
  }
  void validate() const {
    if (sinks < 0) throw Error("cur: sinks", "expected 0 or more, found " + std::to_string(sinks));
    if (local_window < 1) throw Error("cur: local_window", "expected 1 or more, found " + std::to_string(local_window));
  }

  Index protected_rows() const { return sinks; }
  Needs needs() const { return {}; }
  void score(const PressInput& in, const Budget&, Scores out) const {
    for (Index h = 0; h < out.rows(); ++h) {
      const Norms keys = norms(in.keys.head(h)), values = norms(in.values.head(h));
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
