#pragma once

#include <kvx/core/tensor_view.hpp>
#include <kvx/press/parts/expect_scorer.hpp>
#include <kvx/press/parts/expect_value.hpp>
#include <kvx/press/parts/transposed_rows.hpp>
#include <kvx/press/policy.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <string_view>
#include <tuple>
#include <vector>

namespace kvx::inline v0 {

/// Keeps the rows that the wrapped press keeps, and merges the value of each evicted row into the kept row whose key
/// has the largest cosine c with its own: v_kept becomes (v_kept + sum of w v) / (1 + sum of w), with the weight w =
/// max(c, 0) |v| / (|v| + |v_kept|). Keys do not change. Bolya et al., "Token Merging: Your ViT But Faster",
/// arXiv:2210.09461, and Wan et al., "D2O: Dynamic Discriminative Operations for Efficient Long-Context Inference of
/// Large Language Models", arXiv:2406.13035, in the form of kvpress.
template <ScorePolicy P>
struct Merging {
  static constexpr std::string_view name = "merging", paper = "arXiv:2406.13035";
  P inner = {};          ///< the press that selects the rows
  double threshold = 0;  ///< evicted rows with a lower cosine are not merged, -1 to 1
  double fraction = 1;   ///< the share of the evicted rows that are merged, those with the largest cosines, 0 to 1
  static constexpr auto parameters() {
    return std::tuple(Parameter{"threshold", &Merging::threshold, "similarity_threshold"},
                      Parameter{"fraction", &Merging::fraction, "merge_fraction"});
  }
  void validate() const {
    detail::expect_inner(name, inner, !Hooks(inner).traits().edits, "does not rewrite rows");
    detail::expect_between(name, "threshold", -1, 1, threshold);
    detail::expect_between(name, "fraction", 0, 1, fraction);
  }

  void edit(const PressInput& in, Index head, std::span<const Index> kept, HeadRows rows) const {
    const auto keys = in.keys.head(head), values = in.values.head(head);
    const std::vector<Evicted> evicted = match_rows(keys, kept);
    const float least = least_cosine(evicted);
    std::vector<float> total(kept.size(), 1.0f);
    Matrix<float> sums = rows.values;
    for (const Evicted& match : evicted) {
      if (match.cosine < least) continue;
      const auto norm = values.row(match.row).norm(),
                 kept_norm = values.row(kept[static_cast<std::size_t>(match.target)]).norm();
      const float weight = std::max(match.cosine, 0.0f) * norm / (norm + kept_norm + 1e-6f);
      sums.row(match.target) += weight * values.row(match.row);
      total[static_cast<std::size_t>(match.target)] += weight;
    }
    for (Index j = 0; j < rows.values.rows(); ++j)
      rows.values.row(j) = sums.row(j) / total[static_cast<std::size_t>(j)];
  }

 private:
  struct Evicted {
    Index row;     // of the context
    Index target;  // the index, among the kept rows, of the row that it is merged into
    float cosine;  // of their keys
  };

  /// The evicted rows, each with the kept row whose key has the largest cosine with its own.
  static std::vector<Evicted> match_rows(MatrixView<const float> keys, std::span<const Index> kept) {
    if (kept.empty()) return {};
    const detail::TransposedRows directions(view(directions_of(keys, kept)));
    std::vector<Index> rows;
    for (Index row = 0; row < keys.rows(); ++row)
      if (!std::binary_search(kept.begin(), kept.end(), row)) rows.push_back(row);
    std::vector<Evicted> evicted;
    constexpr std::size_t kBatch = 16;
    Matrix<float> cosines(static_cast<Index>(kBatch), detail::TransposedRows::padded(directions.rows()));
    for (std::size_t first = 0; first < rows.size(); first += kBatch) {
      const std::span batch = std::span(rows).subspan(first, std::min(kBatch, rows.size() - first));
      const Matrix<float> evicted_directions = directions_of(keys, batch);
      directions.multiply(view(evicted_directions), directions.rows(),
                          rows_of(view(cosines), 0, evicted_directions.rows()));
      for (Index j = 0; j < evicted_directions.rows(); ++j) {
        const float* const row_cosines = cosines.row(j).data();
        const float cosine = cosines.row(j).head(directions.rows()).maxCoeff();
        const auto best = std::find(row_cosines, row_cosines + directions.rows() - 1, cosine) - row_cosines;
        evicted.push_back({batch[static_cast<std::size_t>(j)], best, cosine});
      }
    }
    return evicted;
  }
  /// The rows `rows` of `keys`, scaled to length 1.
  static Matrix<float> directions_of(MatrixView<const float> keys, std::span<const Index> rows) {
    Matrix<float> directions(static_cast<Index>(rows.size()), keys.cols());
    for (Index j = 0; j < directions.rows(); ++j) {
      const auto key = keys.row(rows[static_cast<std::size_t>(j)]);
      directions.row(j) = key / std::max(key.norm(), 1e-6f);
    }
    return directions;
  }
  /// The least cosine of a row that is merged: the threshold, or the quantile of all evicted rows that leaves the
  /// fraction above it, if that is higher. The quantile is interpolated linearly between two cosines.
  float least_cosine(const std::vector<Evicted>& evicted) const {
    const auto least = static_cast<float>(threshold);
    if (fraction >= 1 || evicted.empty()) return least;
    std::vector<float> cosines;
    for (const Evicted& match : evicted) cosines.push_back(match.cosine);
    const double place = (1 - fraction) * static_cast<double>(cosines.size() - 1), below = std::floor(place);
    const auto low = cosines.begin() + static_cast<std::ptrdiff_t>(below);
    std::nth_element(cosines.begin(), low, cosines.end());
    if (low + 1 == cosines.end() || *low < least) return std::max(*low, least);
    const float high = *std::min_element(low + 1, cosines.end());
    return *low + static_cast<float>(place - below) * (high - *low);
  }
};

}  // namespace kvx::inline v0
