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

/// Adds the value of each evicted row to that of the kept row whose key is most similar, by that similarity and their
/// norms, if it is at least `threshold`, and for the share `fraction` of the evicted rows at most, the most similar.
/// Keys stay as they are. Bolya et al., "Token Merging: Your ViT But Faster", arXiv:2210.09461, and Wan et al., "D2O:
/// Dynamic Discriminative Operations for Efficient Long-Context Inference of Large Language Models", arXiv:2406.13035,
/// in the form of kvpress.
template <ScorePolicy P>
struct Merging {
  static constexpr std::string_view name = "merging", paper = "arXiv:2406.13035";
  P inner = {};
  double threshold = 0, fraction = 1;
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
    const std::vector<Evicted> evicted = match(keys, kept);
    const float least = least_similarity(evicted);
    std::vector<float> total(kept.size(), 1.0f);
    Matrix<float> sums = rows.values;
    for (const Evicted& from : evicted) {
      if (from.similarity < least) continue;
      const auto norm = values.row(from.row).norm(),
                 kept_norm = values.row(kept[static_cast<std::size_t>(from.to)]).norm();
      const float weight = std::max(from.similarity, 0.0f) * norm / (norm + kept_norm + 1e-6f);
      sums.row(from.to) += weight * values.row(from.row);
      total[static_cast<std::size_t>(from.to)] += weight;
    }
    for (Index j = 0; j < rows.values.rows(); ++j)
      rows.values.row(j) = sums.row(j) / total[static_cast<std::size_t>(j)];
  }

 private:
  struct Evicted {
    Index row, to;     // of the context, and of what stays
    float similarity;  // of their keys
  };

  /// The evicted rows, each with the kept one whose key has the largest cosine with its own.
  static std::vector<Evicted> match(MatrixView<const float> keys, std::span<const Index> kept) {
    if (kept.empty()) return {};
    const detail::TransposedRows directions(view(directions_of(keys, kept)));
    std::vector<Index> rows;
    for (Index row = 0; row < keys.rows(); ++row)
      if (!std::binary_search(kept.begin(), kept.end(), row)) rows.push_back(row);
    std::vector<Evicted> evicted;
    constexpr std::size_t kTogether = 16;
    Matrix<float> cosines(static_cast<Index>(kTogether), detail::TransposedRows::padded(directions.rows()));
    for (std::size_t first = 0; first < rows.size(); first += kTogether) {
      const std::span some = std::span(rows).subspan(first, std::min(kTogether, rows.size() - first));
      const Matrix<float> of_evicted = directions_of(keys, some);
      directions.multiply(view(of_evicted), directions.rows(), rows_of(view(cosines), 0, of_evicted.rows()));
      for (Index j = 0; j < of_evicted.rows(); ++j) {
        const float* const of_row = cosines.row(j).data();
        const float similarity = cosines.row(j).head(directions.rows()).maxCoeff();
        const auto best = std::find(of_row, of_row + directions.rows() - 1, similarity) - of_row;
        evicted.push_back({some[static_cast<std::size_t>(j)], best, similarity});
      }
    }
    return evicted;
  }
  /// Rows of `keys`, of length 1.
  static Matrix<float> directions_of(MatrixView<const float> keys, std::span<const Index> rows) {
    Matrix<float> directions(static_cast<Index>(rows.size()), keys.cols());
    for (Index j = 0; j < directions.rows(); ++j) {
      const auto key = keys.row(rows[static_cast<std::size_t>(j)]);
      directions.row(j) = key / std::max(key.norm(), 1e-6f);
    }
    return directions;
  }
  /// What a row has to reach: the threshold, and the quantile that leaves the fraction, between two neighbors by
  /// linear interpolation. Rows below the threshold count in it, as the least similar.
  float least_similarity(const std::vector<Evicted>& evicted) const {
    const auto least = static_cast<float>(threshold);
    if (fraction >= 1 || evicted.empty()) return least;
    std::vector<float> similarities;
    for (const Evicted& from : evicted) similarities.push_back(from.similarity);
    const double at = (1 - fraction) * static_cast<double>(similarities.size() - 1), below = std::floor(at);
    const auto low = similarities.begin() + static_cast<std::ptrdiff_t>(below);
    std::nth_element(similarities.begin(), low, similarities.end());
    if (low + 1 == similarities.end() || *low < least) return std::max(*low, least);
    const float high = *std::min_element(low + 1, similarities.end());
    return *low + static_cast<float>(at - below) * (high - *low);
  }
};

}  // namespace kvx::inline v0
