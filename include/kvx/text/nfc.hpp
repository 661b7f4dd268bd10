#pragma once

#include <kvx/core/error.hpp>

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace kvx::inline v0 {

/// Unicode normalization form C of valid UTF-8.
inline std::string nfc(std::string_view text) {
  // Characters from U+0300 on begin with a byte of 0xCC or more. All characters below are composed already.
  if (std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0xCC; })) return std::string(text);

  constexpr auto kOptions = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE);
  const auto combining_class = [](utf8proc_int32_t point) { return utf8proc_get_property(point)->combining_class; };
  std::vector<utf8proc_int32_t> points;  // decomposed
  points.reserve(text.size());
  for (std::size_t pos = 0; pos < text.size();) {
    utf8proc_int32_t point = -1;
    const auto length = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()) + pos,
                                         static_cast<utf8proc_ssize_t>(text.size() - pos), &point);
    std::array<utf8proc_int32_t, 8> parts{};
    int last_boundclass = 0;
    const auto count = length <= 0 ? -1
                                   : utf8proc_decompose_char(point, parts.data(), utf8proc_ssize_t(parts.size()),
                                                             kOptions, &last_boundclass);
    if (count < 0 || count > utf8proc_ssize_t(parts.size())) throw Error("nfc", "text is not valid UTF-8");
    points.insert(points.end(), parts.begin(), parts.begin() + count);
    pos += static_cast<std::size_t>(length);
  }
  // utf8proc_decompose is not used: its exchange sort takes quadratic time for a long run of combining marks.
  const auto is_mark = [&](utf8proc_int32_t point) { return combining_class(point) != 0; };
  for (auto begin = std::ranges::find_if(points, is_mark); begin != points.end();) {
    const auto end = std::find_if_not(begin, points.end(), is_mark);
    std::stable_sort(begin, end, [&](auto a, auto b) { return combining_class(a) < combining_class(b); });
    begin = std::find_if(end, points.end(), is_mark);
  }
  const auto composed = utf8proc_normalize_utf32(points.data(), static_cast<utf8proc_ssize_t>(points.size()), kOptions);
  std::string result;
  for (std::size_t i = 0; i < static_cast<std::size_t>(composed); ++i) {
    std::array<utf8proc_uint8_t, 4> bytes{};
    const auto length = utf8proc_encode_char(points[i], bytes.data());
    result.append(bytes.begin(), bytes.begin() + length);
  }
  return result;
}

}  // namespace kvx::inline v0
