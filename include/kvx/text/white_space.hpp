#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

namespace kvx::inline v0 {

namespace detail {

/// The characters with Unicode's property White_Space.
inline constexpr std::array<std::string_view, 25> kWhiteSpace = {
    "\t",     "\n",     "\v",     "\f",     "\r",     " ",      "\u0085", "\u00a0", "\u1680",
    "\u2000", "\u2001", "\u2002", "\u2003", "\u2004", "\u2005", "\u2006", "\u2007", "\u2008",
    "\u2009", "\u200a", "\u2028", "\u2029", "\u202f", "\u205f", "\u3000"};

}  // namespace detail

/// The number of bytes of white space at the beginning of a text.
inline std::size_t leading_white_space(std::string_view text) {
  std::size_t bytes = 0;
  for (;;) {
    const auto rest = text.substr(bytes);
    const auto* space = std::ranges::find_if(detail::kWhiteSpace, [&](auto one) { return rest.starts_with(one); });
    if (space == detail::kWhiteSpace.end()) return bytes;
    bytes += space->size();
  }
}

/// The number of bytes of white space at the end of a text.
inline std::size_t trailing_white_space(std::string_view text) {
  std::size_t bytes = 0;
  for (;;) {
    const auto rest = text.substr(0, text.size() - bytes);
    const auto* space = std::ranges::find_if(detail::kWhiteSpace, [&](auto one) { return rest.ends_with(one); });
    if (space == detail::kWhiteSpace.end()) return bytes;
    bytes += space->size();
  }
}

}  // namespace kvx::inline v0
