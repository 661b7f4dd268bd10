#pragma once

namespace kvx_test {

/// The largest relative error when a number is rounded to float: one unit.
inline constexpr double kUnitRoundoff = 0x1p-24;

/// The largest error of a float sum whose terms are rounded `count` times each, sums included, and whose terms'
/// magnitudes add up to `magnitudes`. It is n u / (1 - n u) times these, for any order and with multiply-adds fused or
/// not. Higham, "Accuracy and Stability of Numerical Algorithms", section 3.1.
inline double rounding_error(double count, double magnitudes) {
  const double n = count * kUnitRoundoff;
  return n / (1 - n) * magnitudes;
}

/// The largest difference between a pair of channels (a, b) that detail::Simd rotates by an angle of up to 2^15 and the
/// same pair that RopeTable rotates, in units of |a| + |b|. Sine and cosine are within 2e-6 in Simd and within 2 units
/// in RopeTable; a product and a sum follow in both.
inline constexpr double kRotatedUnits = 2e-6 / kUnitRoundoff + 2 + 2 * 2;

}  // namespace kvx_test
