#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace kvx::inline v0 {

namespace detail {

/// So many rows of the table of longest common subsequences are reckoned at once.
inline constexpr std::size_t kSubsequenceRows = 64;

/// Goes through the columns, one for each token of `b`, of the rows of the tokens `rows`, and calls f(bits) for each:
/// bit i is 0 where the table's value in row i is one more than in the row above. `carries` tells in which columns the
/// row above these is one more than in the column before, and then the same of the last of these rows. Hyyrö,
/// "Bit-Parallel LCS-length Computation Revisited" (2004).
template <class F>
void pass_subsequence_rows(std::u32string_view rows, std::u32string_view b, std::vector<bool>& carries, F&& f) {
  std::unordered_map<char32_t, std::uint64_t> places;
  for (std::size_t i = 0; i < rows.size(); ++i) places[rows[i]] |= std::uint64_t{1} << i;
  std::uint64_t bits = ~std::uint64_t{0};
  for (std::size_t j = 0; j < b.size(); ++j) {
    const auto found = places.find(b[j]);
    const std::uint64_t hits = found == places.end() ? 0 : bits & found->second;
    const std::uint64_t sum = bits + hits, all = sum + carries[j];
    carries[j] = sum < hits || all < sum;
    bits = all | (bits - hits);
    f(bits);
  }
}

}  // namespace detail

/// The length of the longest common subsequence of two sequences of tokens, in memory that grows with `b` alone.
inline std::size_t common_subsequence_length(std::u32string_view a, std::u32string_view b) {
  std::vector<bool> carries(b.size());
  for (std::size_t first = 0; first < a.size(); first += detail::kSubsequenceRows)
    detail::pass_subsequence_rows(a.substr(first, detail::kSubsequenceRows), b, carries, [](std::uint64_t) {});
  return static_cast<std::size_t>(std::count(carries.begin(), carries.end(), true));
}

/// The places in `a`, ascending, of one longest common subsequence: that which comes of reading the table from its end,
/// a token that both have taken at once, and else a step in `a` rather than in `b` where both lead to the longest. The
/// table is not kept but a bit for every 64 of its cells, and read in stripes that are made again.
inline std::vector<std::size_t> common_subsequence_places(std::u32string_view a, std::u32string_view b) {
  std::vector<std::vector<bool>> above;  // what carries into each stripe
  std::vector<bool> carries(b.size());
  for (std::size_t first = 0; first < a.size(); first += detail::kSubsequenceRows) {
    above.push_back(carries);
    detail::pass_subsequence_rows(a.substr(first, detail::kSubsequenceRows), b, carries, [](std::uint64_t) {});
  }
  std::vector<std::size_t> places;
  std::vector<std::uint64_t> columns;
  std::size_t i = a.size(), j = b.size();
  for (std::size_t stripe = above.size(); stripe-- > 0 && j > 0;) {
    const std::size_t first = stripe * detail::kSubsequenceRows;
    columns.clear();
    detail::pass_subsequence_rows(a.substr(first, i - first), b.substr(0, j), above[stripe],
                                  [&](std::uint64_t bits) { columns.push_back(bits); });
    while (i > first && j > 0) {
      if (a[i - 1] == b[j - 1]) {
        places.push_back(--i);
        --j;
      } else if ((columns[j - 1] >> (i - 1 - first) & 1) == 0) {
        --j;
      } else {
        --i;
      }
    }
  }
  std::reverse(places.begin(), places.end());
  return places;
}

}  // namespace kvx::inline v0
