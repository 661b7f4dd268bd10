#include <kvx/text/python/python_case.hpp>

#include <doctest/doctest.h>

#include <string_view>
#include <utility>

using namespace kvx;

TEST_CASE("Characters belong to the same classes as in Python") {
  for (const char32_t c : {U' ', U'\n', U'\x1c', U'\x1f', U'\u0085', U'\u00a0', U'\u2028', U'\u3000'})
    CHECK(is_python_space(c));
  for (const char32_t c : {U'a', U'\x1b', U'\u200b', U'\u180e', U'\ufeff'}) CHECK_FALSE(is_python_space(c));
  for (const char32_t c : {U'a', U'_', U'7', U'\u00b2', U'\u00bd', U'\u4e2d', U'\u0939'}) CHECK(is_python_word(c));
  for (const char32_t c : {U'-', U' ', U'\u0301', U'\u093f', U'\u20ac'}) CHECK_FALSE(is_python_word(c));
  CHECK(is_python_digit(U'\u0967'));
  CHECK_FALSE(is_python_digit(U'\u00b2'));
  for (const char32_t c : {U'A', U'\u00c9', U'\u2163', U'\u24b6'}) CHECK(is_python_upper(c));
  for (const char32_t c : {U'a', U'1', U'\u01c5', U'\u24d0', U'\u24d1'}) CHECK_FALSE(is_python_upper(c));
  for (const char32_t c : {U'a', U'\u00df', U'\u00aa', U'\u2173', U'\u24d0', U'\u1d2c'}) CHECK(is_python_lower(c));
  for (const char32_t c : {U'A', U'1', U'\u01c5', U'\u2163', U'\u4e2d'}) CHECK_FALSE(is_python_lower(c));
}

TEST_CASE("Lower case equals Python's, also of I with a dot and of a sigma at the end of a word") {
  CHECK(python_lower(U"ABC \u00c9\u0130\u1e9e") == U"abc \u00e9i\u0307\u00df");
  CHECK(python_lower(U"\u039f\u0394\u039f\u03a3") == U"\u03bf\u03b4\u03bf\u03c2");
  CHECK(python_lower(U"\u039f\u03a3\u039f") == U"\u03bf\u03c3\u03bf");
  CHECK(python_lower(U"\u039f\u03a3. \u03a3") == U"\u03bf\u03c2. \u03c3");
  CHECK(python_lower(U"\u039f\u03a3'\u0391") == U"\u03bf\u03c3'\u03b1");  // the apostrophe is within the word
}

TEST_CASE("A text is in upper case if it has an upper-case letter and none in lower or title case") {
  const auto cases = [](std::u32string_view text) { return std::pair(is_python_upper(text), is_python_lower(text)); };
  CHECK(cases(U"ABC, 1!") == std::pair(true, false));
  CHECK(cases(U"abc, 1!") == std::pair(false, true));
  CHECK(cases(U"aBC") == std::pair(false, false));
  CHECK(cases(U"1, 2") == std::pair(false, false));
  CHECK(cases(U"") == std::pair(false, false));
  CHECK(cases(U"A\u01c5") == std::pair(false, false));  // a title-case letter is neither
  CHECK(cases(U"\u00aa") == std::pair(false, true));
  CHECK(cases(U"\u4e2dA") == std::pair(true, false));
}
