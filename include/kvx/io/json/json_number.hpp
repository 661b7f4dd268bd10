#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <compare>
#include <cstddef>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

namespace kvx::inline v0 {

/// A JSON number that keeps the digits it was written with. As in Python, a number without a decimal point and an
/// exponent is an integer of any size; any other is the nearest double, or infinite if it is too large (`1e400`).
class JsonNumber {
 public:
  /// `digits` follows JSON's grammar, or is NaN, Infinity or -Infinity.
  explicit JsonNumber(std::string digits) : digits_(std::move(digits)) {}
  explicit JsonNumber(std::size_t count) : digits_(std::to_string(count)) {}

  const std::string& digits() const { return digits_; }
  bool written_as_integer() const { return digits_.find_first_of(".eEnN") == std::string::npos; }
  double value() const { return std::strtod(digits_.c_str(), nullptr); }
  /// `1`, `1.0` and `1e2` are whole, the infinities and NaN are not.
  bool is_whole() const { return written_as_integer() || (std::isfinite(value()) && std::trunc(value()) == value()); }

  /// Compares exact values, also of an integer and a double. NaN equals itself and is less than every other number.
  friend std::weak_ordering operator<=>(const JsonNumber& a, const JsonNumber& b) {
    if (a.written_as_integer()) {
      return b.written_as_integer() ? by_digits(a.digits_, b.digits_) : by_value(a.digits_, b.value());
    }
    return b.written_as_integer() ? 0 <=> by_value(b.digits_, a.value()) : by_value(a.value(), b.value());
  }
  friend bool operator==(const JsonNumber& a, const JsonNumber& b) { return (a <=> b) == 0; }

 private:
  static std::weak_ordering by_digits(std::string_view a, std::string_view b) {
    const bool a_negative = a.front() == '-' && a != "-0", b_negative = b.front() == '-' && b != "-0";
    if (a_negative != b_negative) return b_negative <=> a_negative;
    if (a.front() == '-') a.remove_prefix(1);
    if (b.front() == '-') b.remove_prefix(1);
    const std::weak_ordering order = a.size() != b.size() ? a.size() <=> b.size() : a.compare(b) <=> 0;
    return a_negative ? 0 <=> order : order;
  }

  static std::weak_ordering by_value(std::string_view integer, double value) {
    if (!std::isfinite(value)) return by_value(0.0, value);
    std::array<char, 320> text{};                  // a double has at most 309 digits before its point
    const double whole = std::trunc(value) + 0.0;  // makes -0 a 0
    const auto end = std::to_chars(text.data(), text.data() + text.size(), whole, std::chars_format::fixed, 0).ptr;
    const auto order = by_digits(integer, {text.data(), static_cast<std::size_t>(end - text.data())});
    return order != 0 ? order : by_value(whole, value);
  }

  static std::weak_ordering by_value(double a, double b) {
    if (std::isnan(a) || std::isnan(b)) return std::isnan(b) <=> std::isnan(a);
    return a < b ? std::weak_ordering::less : a > b ? std::weak_ordering::greater : std::weak_ordering::equivalent;
  }

  std::string digits_;
};

}  // namespace kvx::inline v0
