#pragma once

#include <algorithm>
#include <cmath>
#include <numbers>

namespace kvx::inline v0 {

namespace detail {

/// The continued fraction of the incomplete beta function by Lentz's method: NIST Digital Library of Mathematical
/// Functions, 8.17.22. It converges fast for x < (a + 1) / (a + b + 2).
inline double beta_fraction(double a, double b, double x) {
  constexpr double kTiny = 1e-300;
  constexpr int kMaxSteps = 10'000;
  double c = 1, d = 1 / (1 - (a + b) * x / (a + 1)), fraction = d;
  for (int m = 1; m < kMaxSteps; ++m) {
    const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    double step = 1;
    for (const double term : {even, odd}) {
      d = 1 + term * d;
      c = 1 + term / c;
      if (std::abs(d) < kTiny) d = kTiny;
      if (std::abs(c) < kTiny) c = kTiny;
      d = 1 / d;
      step = c * d;
      fraction *= step;
    }
    if (std::abs(step - 1) < 1e-15) break;
  }
  return fraction;
}

/// The regularized incomplete beta function I_x(a, b) for a, b > 0 and x from 0 to 1: same source, 8.17.1 to 8.17.4.
inline double incomplete_beta(double a, double b, double x) {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  const double front =
      std::exp(std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b) + a * std::log(x) + b * std::log1p(-x));
  return x < (a + 1) / (a + b + 2) ? front * beta_fraction(a, b, x) / a : 1 - front * beta_fraction(b, a, 1 - x) / b;
}

inline double normal_tail(double x) { return std::erfc(x / std::numbers::sqrt2) / 2; }

}  // namespace detail

/// P(|T| >= t) of Student's distribution with `df` degrees of freedom, t >= 0.
inline double t_tails(double t, double df) { return detail::incomplete_beta(df / 2, 0.5, df / (df + t * t)); }

/// The t that |T| exceeds with probability `alpha`, 0 < alpha < 1: half the width of an interval, in standard errors.
inline double t_edge(double df, double alpha = 0.05) {
  double low = 0, high = 1;
  while (t_tails(high, df) > alpha) low = high, high *= 2;
  for (double middle = (low + high) / 2; middle > low && middle < high; middle = (low + high) / 2)
    (t_tails(middle, df) > alpha ? low : high) = middle;
  return high;
}

/// The power of a two-sided t test with `df` degrees of freedom at the level `alpha`, when the true mean lies `shift`
/// standard errors from 0: the tails of the noncentral t distribution, as the integral of normal tails over the
/// distribution of the estimated standard deviation, by Simpson's rule.
inline double t_test_power(double shift, double df, double alpha = 0.05) {
  const double edge = t_edge(df, alpha), spread = 10 / std::sqrt(2 * df);  // of chi / sqrt(df) around 1
  const double first = std::max(0.0, 1 - spread), last = 1 + spread;
  const double constant = std::numbers::ln2 + df / 2 * std::log(df / 2) - std::lgamma(df / 2);
  constexpr int kSteps = 2000;
  double power = 0;
  for (int i = 0; i <= kSteps; ++i) {
    const double u = static_cast<double>(i) / kSteps, s = first + (last - first) * u * u * u;  // dense near 0
    if (s == 0) continue;
    const double density = std::exp(constant + (df - 1) * std::log(s) - df * s * s / 2);
    const double weight = i == 0 || i == kSteps ? 1 : i % 2 == 1 ? 4 : 2;
    power += weight * u * u * density * (detail::normal_tail(edge * s - shift) + detail::normal_tail(edge * s + shift));
  }
  return power * (last - first) / kSteps;  // the factor 3 of ds = 3 u^2 du cancels the 1/3 of Simpson's rule
}

}  // namespace kvx::inline v0
