#pragma once

#include <kvx/core/error.hpp>

#include <string>
#include <string_view>
#include <type_traits>

namespace kvx::inline v0::detail {

/// Throws Error unless `as_expected`. The message names the press, its parameter, what was `expected`, and `value`.
template <class T>
void expect_value(std::string_view press, std::string_view parameter, bool as_expected, std::string_view expected,
                  T value) {
  if (as_expected) return;
  throw Error(std::string(press).append(": ").append(parameter),
              std::string("expected ").append(expected).append(", found ") + std::to_string(value));
}

/// Throws Error unless `value` is `least` or more.
template <class T>
void expect_at_least(std::string_view press, std::string_view parameter, std::type_identity_t<T> least, T value) {
  if (!(value >= least))
    expect_value(press, parameter, false, std::to_string(static_cast<long long>(least)) + " or more", value);
}

/// Throws Error unless `value` is from `least` to `most`.
inline void expect_between(std::string_view press, std::string_view parameter, int least, int most, double value) {
  expect_value(press, parameter, value >= least && value <= most,
               std::to_string(least).append(" <= ").append(parameter).append(" <= ") + std::to_string(most), value);
}

/// Throws Error unless `value` is a ratio that can be removed: at least 0 and below 1.
inline void expect_ratio(std::string_view press, std::string_view parameter, double value) {
  expect_value(press, parameter, value >= 0 && value < 1, "0 <= ratio < 1", value);
}

}  // namespace kvx::inline v0::detail
