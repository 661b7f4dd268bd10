#pragma once

namespace kvx_test {

/// How far a float is from what was rounded to it, in parts of itself.
inline constexpr double kUnitRoundoff = 0x1p-24;

/// The most by which a float sum is off whose terms are rounded `count` times each, sums included, and whose magnitudes
/// add up to `reach`: n u / (1 - n u), in any order, with multiply-adds fused or not. Higham, "Accuracy and Stability
/// of Numerical Algorithms", section 3.1.
inline double rounding_error(double count, double reach) {
  const double n = count * kUnitRoundoff;
  return n / (1 - n) * reach;
}

/// By how much what detail::Simd makes of a pair of channels (a, b), rotated by an angle of up to 2^15, may differ from
/// what RopeTable makes of it, in units of |a| + |b|: sine and cosine within 2e-6 there and within 2 units here, and
/// with both a product and a sum.
inline constexpr double kRotatedUnits = 2e-6 / kUnitRoundoff + 2 + 2 * 2;

}  // namespace kvx_test
