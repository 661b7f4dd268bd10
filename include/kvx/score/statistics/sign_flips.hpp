#pragma once

#include <kvx/core/error.hpp>
#include <kvx/core/split_mix.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

namespace kvx::inline v0 {

namespace detail {

/// The p of whole numbers, from the probability of each sum that they can have. `observed` is the sum without flips,
/// `max_sum` the sum of the absolute values.
inline double flip_p_of_counts(std::span<const double> sums, double observed, std::size_t max_sum) {
  const std::size_t zero = max_sum;  // the index of the sum 0; index t is the sum t - max_sum
  std::vector<double> chances(2 * max_sum + 1), next(2 * max_sum + 1);
  chances[zero] = 1;
  std::size_t reach = 0;
  for (const double sum : sums) {
    const auto step = static_cast<std::size_t>(std::abs(sum));
    std::fill(next.begin(), next.end(), 0);
    for (std::size_t t = zero - reach; t <= zero + reach; ++t) {
      next[t + step] += chances[t] / 2;
      next[t - step] += chances[t] / 2;
    }
    reach += step;
    chances.swap(next);
  }
  double p = 0;
  for (std::size_t t = 0; t < chances.size(); ++t)
    if (std::abs(static_cast<double>(t) - static_cast<double>(zero)) >= std::abs(observed)) p += chances[t];
  return std::min(p, 1.0);
}

/// The sums of up to eight numbers under each pattern of signs.
using FlipTable = std::array<double, 256>;

inline FlipTable flip_table(std::span<const double> sums) {
  FlipTable table = {};
  for (std::size_t i = 0; i < 8; ++i) {
    const std::size_t half = std::size_t{1} << i;  // number of patterns of the numbers before this one
    const double sum = i < sums.size() ? sums[i] : 0;
    for (std::size_t signs = 0; signs < half; ++signs) {
      table[half + signs] = table[signs] - sum;
      table[signs] += sum;
    }
  }
  return table;
}

/// The number of random patterns of signs, out of `draws`, whose sum is at least as far from 0 as `edge`. A word of
/// random bits holds the signs of 64 sums, and each pattern has its own words. The loop goes over words and, within a
/// word, over all patterns of a block, so that the tables of a word stay in the first-level cache.
inline std::size_t drawn_flips(std::span<const double> sums, double edge, std::size_t draws) {
  constexpr std::size_t kBlock = 8192, kWord = 64;
  const std::size_t words = (sums.size() + kWord - 1) / kWord;
  std::vector<double> totals;
  std::array<FlipTable, 8> tables;
  std::size_t hits = 0;
  for (std::size_t first = 0; first < draws; first += kBlock) {
    totals.assign(std::min(kBlock, draws - first), 0);
    for (std::size_t word = 0; word < words; ++word) {
      const auto word_sums = sums.subspan(word * kWord, std::min(kWord, sums.size() - word * kWord));
      for (std::size_t group = 0; group < 8; ++group)
        tables[group] = flip_table(word_sums.subspan(std::min(group * 8, word_sums.size())));
      SplitMix64 random(0);
      random.skip(first * words + word);
      for (double& total : totals) {
        std::uint64_t signs = random.next();
        random.skip(words - 1);
        for (const FlipTable& table : tables) {
          total += table[signs & 255];
          signs >>= 8;
        }
      }
    }
    hits +=
        static_cast<std::size_t>(std::ranges::count_if(totals, [&](double total) { return std::abs(total) >= edge; }));
  }
  return hits;
}

}  // namespace detail

/// The two-sided p of a test by sign flips. Its null hypothesis is that each difference is as likely to have the
/// opposite sign; p is the share of all patterns of signs whose sum is at least as far from 0 as the observed one.
/// `sums` holds the sum of each context's differences. p is exact for up to 15 sums that are not 0, and for whole
/// numbers; otherwise it is estimated from the observed pattern and 200 000 random ones with a fixed seed. NaN for
/// fewer than two sums. Fisher, "The Design of Experiments" (1935), section 21.
/// Throws Error for a sum that is not finite.
inline double sign_flip_p(std::span<const double> sums) {
  constexpr std::size_t kMaxEnumerated = 15, kDraws = 200'000;
  constexpr double kMaxCountedSteps = 1e7;  // of flip_p_of_counts()
  if (sums.size() < 2) return std::numeric_limits<double>::quiet_NaN();
  std::vector<double> changed;
  double observed = 0, size = 0;
  bool whole = true;
  for (const double sum : sums) {
    if (!std::isfinite(sum)) throw Error("sign flips", "expected finite sums, found " + std::to_string(sum));
    if (sum == 0) continue;
    changed.push_back(sum);
    observed += sum;
    size += std::abs(sum);
    whole = whole && sum == std::round(sum);
  }
  if (changed.empty()) return 1;
  const bool few = changed.size() <= kMaxEnumerated;
  if (!few && whole && size * static_cast<double>(changed.size()) < kMaxCountedSteps)
    return detail::flip_p_of_counts(changed, observed, static_cast<std::size_t>(size));
  const double edge = std::abs(observed) - 1e-12 * size;  // allows for rounding of the sums
  if (few) {
    const auto rest = std::span(changed).subspan(std::min<std::size_t>(8, changed.size()));
    const detail::FlipTable low = detail::flip_table(changed), high = detail::flip_table(rest);
    const std::size_t patterns = std::size_t{1} << changed.size();
    std::size_t hits = 0;
    for (std::size_t signs = 0; signs < patterns; ++signs)
      hits += std::abs(low[signs & 255] + high[signs >> 8]) >= edge;
    return static_cast<double>(hits) / static_cast<double>(patterns);
  }
  return static_cast<double>(1 + detail::drawn_flips(changed, edge, kDraws)) / static_cast<double>(1 + kDraws);
}

}  // namespace kvx::inline v0
