#include <kvx/io/json/json_number.hpp>

#include <doctest/doctest.h>

#include <limits>

using kvx::JsonNumber;

namespace {
JsonNumber number(const char* digits) { return JsonNumber(std::string(digits)); }
}  // namespace

TEST_CASE("The spelling says whether a number is written as an integer, the value whether it is whole") {
  for (const char* digits : {"0", "-0", "7", "-123456789012345678901234567890"}) {
    CHECK(number(digits).written_as_integer());
    CHECK(number(digits).is_whole());
  }
  for (const char* digits : {"1.0", "1e2", "1E+2", "100e-2", "-0.0"}) {
    CHECK_FALSE(number(digits).written_as_integer());
    CHECK(number(digits).is_whole());
  }
  for (const char* digits : {"1.5", "1e-2", "1e400", "NaN", "Infinity", "-Infinity"})
    CHECK_FALSE(number(digits).is_whole());
}

TEST_CASE("Numbers compare by value, exactly") {
  CHECK(number("1") == number("1.0"));
  CHECK(number("-0") == number("0"));
  CHECK(number("-0.0") == number("0"));
  CHECK(number("100") == number("1e2"));
  CHECK(number("-3") < number("-2.5"));
  CHECK(number("-2") > number("-2.5"));
  CHECK(number("10") > number("9"));
  CHECK(number("-10") < number("-9"));
  CHECK(number("-10") < number("9"));
  CHECK(number("9007199254740993") > number("9007199254740992.0"));
  CHECK(number("9007199254740992.0") < number("9007199254740993"));
  CHECK(number("123456789012345678901234567890") < number("123456789012345678901234567891"));
  CHECK(number("99999999999999991611392") == number("1e23"));  // the double nearest to it
  CHECK(number("1e400") == number("1e500"));                   // both are infinite
  CHECK(number("1e400") > number(("1" + std::string(400, '0')).c_str()));
  CHECK(number("-Infinity") < number("-1e308"));
}

TEST_CASE("NaN equals itself and is less than every other number") {
  CHECK(number("NaN") == number("NaN"));
  CHECK(number("NaN") < number("-Infinity"));
  CHECK(number("5") > number("NaN"));
}
