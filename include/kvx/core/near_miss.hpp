#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kvx::inline v0 {

/// The least number of insertions, deletions, replacements and swaps of neighboring characters that turn `a` into `b`.
inline std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) d[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i)
    for (std::size_t j = 1; j <= b.size(); ++j) {
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  return d[a.size()][b.size()];
}

/// The end of an error message about an unknown name: "; did you mean X? Known names: A, B, C". If no name is similar,
/// it is "; known names: A, B, C".
inline std::string near_miss(std::string_view found, std::span<const std::string_view> names) {
  if (names.empty()) return "; there are none";
  const auto distance = [&](std::string_view name) { return edit_distance(found.substr(0, 64), name); };
  const auto nearest =
      *std::min_element(names.begin(), names.end(), [&](auto a, auto b) { return distance(a) < distance(b); });
  std::string hint;
  if (distance(nearest) <= std::max<std::size_t>(2, nearest.size() / 3))
    hint.append("; did you mean ").append(nearest).append("?");
  hint.append(hint.empty() ? "; known names: " : " Known names: ");
  for (const auto name : names) hint.append(name == names.front() ? "" : ", ").append(name);
  return hint;
}

}  // namespace kvx::inline v0
