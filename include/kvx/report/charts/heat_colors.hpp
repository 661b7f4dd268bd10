#pragma once

#include <kvx/io/number_text.hpp>
#include <kvx/report/charts/picture.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <string>
#include <string_view>

namespace kvx::inline v0::detail {

/// The color of a value, as red, green and blue: from near white for 0 to a dark blue for 1.
inline std::array<int, 3> heat_channels(double value) {
  constexpr std::array<int, 3> kLow = {0xf1, 0xf5, 0xf9}, kHigh = {0x00, 0x4c, 0x86};
  std::array<int, 3> channels{};
  for (std::size_t c = 0; c < 3; ++c)
    channels[c] = static_cast<int>(std::lround(kLow[c] + (kHigh[c] - kLow[c]) * std::clamp(value, 0.0, 1.0)));
  return channels;
}

/// The color of a value, as 0xRRGGBB.
inline int heat(double value) {
  const auto [red, green, blue] = heat_channels(value);
  return red << 16 | green << 8 | blue;
}

/// Adds a key of the colors in one line. It ends `right` pixels from the picture's left edge, and is `bottom` pixels
/// above its lower edge.
inline void add_heat_key(PlotScript& script, const Picture& picture, std::string_view words, int right, int bottom) {
  constexpr int kSteps = 5, kStepWidth = 18, kStepHeight = 10;
  const auto at = [&](int x, int y) {
    return "screen " + six_digits(x / static_cast<double>(picture.width)) + ", screen " +
           six_digits(y / static_cast<double>(picture.height));
  };
  const int left = right - 16 - kSteps * kStepWidth;
  for (int i = 0; i < kSteps; ++i)
    script << "set object rectangle from " + at(left + i * kStepWidth, bottom) + " to " +
                  at(left + (i + 1) * kStepWidth, bottom + kStepHeight) + " fc rgb " +
                  std::to_string(heat(i / (kSteps - 1.0))) + " fs solid noborder";
  script << "set label " + gnuplot_text(std::string(words) + " 0") + " at " + at(left - 6, bottom + kStepHeight / 2) +
                " right font small_font"
         << "set label '1' at " + at(left + kSteps * kStepWidth + 6, bottom + kStepHeight / 2) +
                " left font small_font";
}

}  // namespace kvx::inline v0::detail
