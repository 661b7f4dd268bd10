#pragma once

#include <kvx/core/error.hpp>
#include <kvx/io/json/json_number.hpp>
#include <kvx/io/json/json_tree.hpp>
#include <kvx/io/json_schema/json_schema_effort.hpp>
#include <kvx/io/regex.hpp>

#include <algorithm>
#include <cmath>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

namespace detail {

/// The keywords of one schema that check a value itself, not its members. kvx checks them, because valijson compares
/// numbers as doubles, counts bytes up to a zero byte, and matches with std::regex, which overflows the stack.
class SchemaRules {
 public:
  /// Reads the keywords that this class checks from `schema`. Throws Error if one has an invalid value.
  SchemaRules(const JsonTree& schema, std::string_view where) {
    const auto number = [&](const char* name, std::optional<JsonNumber>& out) {
      if (const JsonTree* value = schema.find(name)) out = *expect(value->number(), name, "a number", *value, where);
    };
    number("minimum", minimum_);
    number("maximum", maximum_);
    number("exclusiveMinimum", above_);
    number("exclusiveMaximum", below_);
    number("minLength", min_length_);
    number("maxLength", max_length_);
    number("multipleOf", multiple_of_);
    if (multiple_of_ && !(multiple_of_->value() > 0))
      fail("multipleOf", "a number above 0", multiple_of_->digits(), where);
    if (const JsonTree* value = schema.find("enum"))
      values_ = *expect(value->array(), "enum", "an array", *value, where);
    if (const JsonTree* value = schema.find("const")) constant_ = *value;
    if (const JsonTree* value = schema.find("uniqueItems"))
      unique_ = *expect(value->boolean(), "uniqueItems", "a boolean", *value, where);
    if (const JsonTree* value = schema.find("pattern")) {
      const std::string& text = *expect(value->string(), "pattern", "a string", *value, where);
      pattern_ = SchemaEffort::pattern(text, std::string(where) + ": pattern " + text.substr(0, 60));
    }
  }

  bool accept(const JsonTree& value) const {
    if (constant_ && *constant_ != value) return false;
    if (values_ && std::find(values_->begin(), values_->end(), value) == values_->end()) return false;
    if (value.number() != nullptr) return accept(*value.number());
    if (value.string() != nullptr) return accept(*value.string());
    return value.array() == nullptr || !unique_ || all_differ(*value.array());
  }

 private:
  [[noreturn]] static void fail(const std::string& name, const std::string& expected, std::string_view found,
                                std::string_view where) {
    throw Error(where, name + ": expected " + expected + ", found " + std::string(found));
  }
  template <class T>
  static const T* expect(const T* value, const char* name, const char* expected, const JsonTree& found,
                         std::string_view where) {
    if (value == nullptr) fail(name, expected, found.type(), where);
    return value;
  }

  bool accept(const JsonNumber& number) const {
    const auto not_a_number = std::isnan(number.value());  // no bound excludes NaN
    if (minimum_ && !not_a_number && number < *minimum_) return false;
    if (maximum_ && !not_a_number && number > *maximum_) return false;
    if (above_ && !not_a_number && number <= *above_) return false;
    if (below_ && !not_a_number && number >= *below_) return false;
    return !multiple_of_ || is_multiple(number, *multiple_of_);
  }

  bool accept(const std::string& text) const {
    const auto characters = static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
    if (min_length_ && JsonNumber(characters) < *min_length_) return false;
    if (max_length_ && JsonNumber(characters) > *max_length_) return false;
    return !pattern_ || SchemaEffort::found(*pattern_, text);
  }

  /// As in python-jsonschema: a divisor with a decimal point or exponent must divide the number as doubles into a whole
  /// quotient; an integer must divide it without a remainder.
  static bool is_multiple(const JsonNumber& number, const JsonNumber& divisor) {
    if (!divisor.written_as_integer()) {
      const double quotient = number.value() / divisor.value();
      return std::isfinite(quotient) && std::trunc(quotient) == quotient;
    }
    constexpr double kMaxDivisor = 0x1p59;  // ten times a remainder fits into 64 bits
    if (!number.written_as_integer() || divisor.value() > kMaxDivisor)
      return std::fmod(number.value(), divisor.value()) == 0;
    std::uint64_t remainder = 0;
    for (const char c : number.digits())
      if (c != '-')
        remainder =
            (remainder * 10 + static_cast<std::uint64_t>(c - '0')) % static_cast<std::uint64_t>(divisor.value());
    return remainder == 0;
  }

  static bool all_differ(const JsonTree::Array& elements) {
    std::vector<const JsonTree*> sorted;
    for (const JsonTree& element : elements) sorted.push_back(&element);
    std::sort(sorted.begin(), sorted.end(), [](auto* a, auto* b) { return JsonTree::order(*a, *b) < 0; });
    return std::adjacent_find(sorted.begin(), sorted.end(), [](auto* a, auto* b) { return *a == *b; }) == sorted.end();
  }

  std::optional<JsonNumber> minimum_, maximum_, above_, below_, min_length_, max_length_, multiple_of_;
  std::optional<JsonTree::Array> values_;
  std::optional<JsonTree> constant_;
  std::optional<Regex> pattern_;
  bool unique_ = false;
};

}  // namespace detail

}  // namespace kvx::inline v0
