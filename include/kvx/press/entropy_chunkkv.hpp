#pragma once

#include <kvx/core/error.hpp>
#include <kvx/core/top_k.hpp>
#include <kvx/press/parts/chunk_means.hpp>
#include <kvx/press/parts/expect_scorer.hpp>
#include <kvx/press/parts/expect_value.hpp>
#include <kvx/press/policy.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace kvx::inline v0 {

/// Keeps whole chunks of `length` tokens by descending mean score, the same in all heads. Of a chunk whose mean score
/// is at least the median of all chunks, but whose scores are more uneven than the median (lower entropy), only the
/// best `low_length` tokens stay. The rows that this saves go to the best of the other tokens. A variant of ChunkKV
/// that kvpress introduced; meant for scores that are not negative.
template <ScorePolicy P>
struct EntropyChunkKV {
  static constexpr std::string_view name = "entropy_chunkkv", kvpress_name = "EntropyGatedChunkKV", paper = "";
  P inner = {};        ///< the press that scores the rows
  int length = 10;     ///< tokens per chunk
  int low_length = 4;  ///< tokens that stay of a chunk with a high but uneven score; less than `length`
  static constexpr auto parameters() {
    using Self = EntropyChunkKV;
    return std::tuple(Parameter{"length", &Self::length, "chunk_length"},
                      Parameter{"low_length", &Self::low_length, "low_entropy_chunk_length"});
  }
  void validate() const {
    detail::expect_at_least(name, "low_length", 1, low_length);
    if (length <= low_length)
      throw Error("entropy_chunkkv: length",
                  "expected more than low_length, " + std::to_string(low_length) + ", found " + std::to_string(length));
    detail::expect_only_scores(name, inner);
  }

  Kept select(const PressInput& in, const Budget& budget, MatrixView<const float> scores) const {
    Matrix<float> ranked = scores.colwise().sum();  // of all heads, [1, tokens]
    const std::span<float> all(ranked.data(), static_cast<std::size_t>(in.tokens()));
    const std::vector<float> means = detail::chunk_means(ranked, length);
    std::vector<float> entropies;
    for (std::size_t chunk = 0; chunk < means.size(); ++chunk) entropies.push_back(entropy(chunk_of(all, chunk)));
    const float median_score = lower_median(means), median_entropy = lower_median(entropies);

    std::vector<std::size_t> order(means.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      return means[a] != means[b] ? means[a] > means[b] : a > b;  // if equal, the newer chunk first
    });
    Index left = budget.keep;
    for (const std::size_t chunk : order) {
      const auto part = chunk_of(all, chunk);
      Index count = std::min(left, static_cast<Index>(part.size()));
      if (means[chunk] >= median_score && entropies[chunk] < median_entropy) count = std::min<Index>(count, low_length);
      for (const Index j : top_k(part, count)) {
        float& score = part[static_cast<std::size_t>(j)];
        score = std::max(score, std::numeric_limits<float>::max());
      }
      left -= count;
    }
    return Kept(static_cast<std::size_t>(in.kv_heads()), top_k(all, budget.keep));
  }

 private:
  std::span<float> chunk_of(std::span<float> scores, std::size_t chunk) const {
    const auto size = static_cast<std::size_t>(length), first = chunk * size;
    return scores.subspan(first, std::min(size, scores.size() - first));
  }
  /// The entropy of a chunk's scores, from 0 (all on one token) to 1 (all tokens equal). If scores are negative, all
  /// are shifted so that the lowest becomes 0.
  static float entropy(std::span<const float> scores) {
    constexpr float kEpsilon = 1e-8f;
    if (scores.size() == 1) return 0;
    const float shift = std::min(0.0f, *std::min_element(scores.begin(), scores.end()));
    float total = kEpsilon, sum = 0;
    for (const float score : scores) total += score - shift;
    if (total == kProtected) return 1;  // a chunk with protected rows stays as a whole
    for (const float score : scores) sum -= (score - shift) / total * std::log((score - shift) / total + kEpsilon);
    return std::clamp(sum / std::log(static_cast<float>(scores.size())), 0.0f, 1.0f);
  }
  /// The median; of an even number of values, the lower of the two in the middle.
  static float lower_median(std::vector<float> values) {
    const auto middle = values.begin() + (static_cast<std::ptrdiff_t>(values.size()) - 1) / 2;
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
  }
};

}  // namespace kvx::inline v0
