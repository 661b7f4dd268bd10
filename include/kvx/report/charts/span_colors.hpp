#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// The names of the spans that stand for the whole context, and for the tokens outside all other spans.
inline constexpr std::string_view kAllSpan = "all", kRestSpan = "rest";

namespace detail {

/// The colors of known spans, in the order in which the spans are shown. None is the blue that shades kept tokens, so
/// that a span stays visible over it.
inline constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kSpanColors = {
    {{"prepend", "#E69F00"}, {"defense", "#D55E00"}, {"instructions", "#009E73"}, {kRestSpan, "#56B4E9"}}};

inline std::size_t span_place(std::string_view name) {
  const auto found = std::ranges::find(kSpanColors, name, [](const auto& known) { return known.first; });
  return static_cast<std::size_t>(found - kSpanColors.begin());
}

}  // namespace detail

/// A span's color, the same in charts and texts.
inline std::string span_color(std::string_view name) {
  const std::size_t place = detail::span_place(name);
  return std::string(place < detail::kSpanColors.size() ? detail::kSpanColors[place].second : "#CC79A7");
}

/// Sorts spans into the order in which they are shown: known ones, others, the whole context.
inline void sort_spans(std::vector<std::string>& names) {
  std::ranges::stable_sort(names, {}, [](const std::string& name) {
    return name == kAllSpan ? detail::kSpanColors.size() + 1 : detail::span_place(name);
  });
}

}  // namespace kvx::inline v0
