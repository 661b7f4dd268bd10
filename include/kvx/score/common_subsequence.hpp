#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace kvx::inline v0 {

namespace detail {

/// The number of rows of the table of longest common subsequences that are computed at once.
inline constexpr std::size_t kSubsequenceRows = 64;

/// Computes the rows of the table for the tokens `rows`, column by column; there is a column for each token of `b`.
/// Calls f(bits) for each column: bit i is 0 if the value in row i is one more than in the row above. `carries` says
/// for each column whether the value is one more than in the column before: at the call in the row above these, then in
/// the last of these. Hyyrö, "Bit-Parallel LCS-length Computation Revisited" (2004).
template <class F>
void pass_subsequence_rows(std::u32string_view rows, std::u32string_view b, std::vector<bool>& carries, F&& f) {
  std::unordered_map<char32_t, std::uint64_t> positions;
  for (std::size_t i = 0; i < rows.size(); ++i) positions[rows[i]] |= std::uint64_t{1} << i;
  std::uint64_t bits = ~std::uint64_t{0};
  for (std::size_t j = 0; j < b.size(); ++j) {
    const auto found = positions.find(b[j]);
    const std::uint64_t hits = found == positions.end() ? 0 : bits & found->second;
    const std::uint64_t sum = bits + hits, total = sum + carries[j];
    carries[j] = sum < hits || total < sum;
    bits = total | (bits - hits);
    f(bits);
  }
}

}  // namespace detail

/// The length of the longest common subsequence of two sequences of tokens. The memory used depends only on `b`.
inline std::size_t common_subsequence_length(std::u32string_view a, std::u32string_view b) {
  std::vector<bool> carries(b.size());
  for (std::size_t first = 0; first < a.size(); first += detail::kSubsequenceRows)
    detail::pass_subsequence_rows(a.substr(first, detail::kSubsequenceRows), b, carries, [](std::uint64_t) {});
  return static_cast<std::size_t>(std::count(carries.begin(), carries.end(), true));
}

/// The positions in `a`, ascending, of one longest common subsequence. It is found by reading the table from its end: a
/// token that both have is taken at once; otherwise, if steps in `a` and in `b` are equally good, the step is in `a`.
/// Only one bit for every 64 cells of the table is kept; stripes of 64 rows are computed again.
inline std::vector<std::size_t> common_subsequence_places(std::u32string_view a, std::u32string_view b) {
  std::vector<std::vector<bool>> above;  // the carries into each stripe
  std::vector<bool> carries(b.size());
  for (std::size_t first = 0; first < a.size(); first += detail::kSubsequenceRows) {
    above.push_back(carries);
    detail::pass_subsequence_rows(a.substr(first, detail::kSubsequenceRows), b, carries, [](std::uint64_t) {});
  }
  std::vector<std::size_t> positions;
  std::vector<std::uint64_t> columns;
  std::size_t i = a.size(), j = b.size();
  for (std::size_t stripe = above.size(); stripe-- > 0 && j > 0;) {
    const std::size_t first = stripe * detail::kSubsequenceRows;
    columns.clear();
    detail::pass_subsequence_rows(a.substr(first, i - first), b.substr(0, j), above[stripe],
                                  [&](std::uint64_t bits) { columns.push_back(bits); });
    while (i > first && j > 0) {
      if (a[i - 1] == b[j - 1]) {
        positions.push_back(--i);
        --j;
      } else if ((columns[j - 1] >> (i - 1 - first) & 1) == 0) {
        --j;
      } else {
        --i;
      }
    }
  }
  std::reverse(positions.begin(), positions.end());
  return positions;
}

}  // namespace kvx::inline v0
