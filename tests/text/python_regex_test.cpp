#include <kvx/text/python/python_regex.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "support/error_of.hpp"

using namespace kvx;

namespace {
bool found_ignoring_case(std::string_view pattern, std::string_view text) {
  return PythonRegex(pattern, PythonRegex::case_insensitive, "p").found_in(text);
}
std::size_t python_count(std::string_view pattern, std::string_view text) {
  return PythonRegex(pattern, PythonRegex::case_sensitive, "p").count(text);
}
}  // namespace

TEST_CASE("If case is ignored, the same letters are equal as in Python") {
  CHECK(found_ignoring_case("KELVIN", "\u212aelvin"));
  CHECK(found_ignoring_case("sun", "\u017fun"));
  for (const char* i : {"i", "I", "\u0130", "\u0131"})
    for (const char* other : {"i", "I", "\u0130", "\u0131"}) CHECK(found_ignoring_case(i, other));
  CHECK(found_ignoring_case("\u0390", "\u1fd3"));
  CHECK(found_ignoring_case("\u1fe3", "\u03b0"));
  CHECK(found_ignoring_case("\ufb05", "\ufb06"));
  CHECK(found_ignoring_case("stra\u00dfe", "STRA\u1e9eE"));
  CHECK_FALSE(found_ignoring_case("ss", "\u00df"));
  CHECK_FALSE(found_ignoring_case("e", "\u00e9"));
  CHECK(python_count("i", "iI\u0131") == 1);
}

TEST_CASE("Character classes are Python's, also within brackets") {
  CHECK(python_count("\\bword\\b", "word's word_ _word word\u00e9 word\u0301 (word)") == 3);
  CHECK(python_count("\\Ba", "aa ba a") == 2);
  CHECK(python_count("\\w+", "\u0939\u093f\u0928\u094d\u0926\u0940 \u00bd") == 4);
  CHECK(python_count("\\W", "a\u0301-") == 2);
  CHECK(python_count("[\\w]+", "a\u0301b") == 2);
  CHECK(python_count("[]\\s]", "] \x1c\x1f\u0085\u180e") == 5);
  CHECK(python_count("\\s", " \x1c\x1f\u0085\u180e") == 4);
  CHECK(python_count("\\S", " \x1c\u180e") == 1);
  CHECK(python_count("[\\]]\\w", "]a]b") == 2);
  CHECK(python_count("\\\\s", "\\s ") == 1);
  CHECK(python_count("a.b", "a\rb a\u2028b a\nb") == 2);
  CHECK(python_count("a$", "a\n") == 1);
  CHECK(python_count("a\\Z", "a\n") == 0);
}

TEST_CASE("A pattern that does not compile is an error, and so is a match that takes too many steps") {
  CHECK(error_of([] { found_ignoring_case("(", ""); }).starts_with("p: not a regular expression: "));
  CHECK(error_of([] { found_ignoring_case("\\", ""); }).starts_with("p: not a regular expression: "));
  CHECK(error_of([] {
          found_ignoring_case("^(a+)+$", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab");
        }).starts_with("p: a match takes too many steps: "));
  CHECK(PythonRegex("(a)b", PythonRegex::case_sensitive, "p").replaced("abab", "<$1>") == "<a><a>");
}

TEST_CASE("Many letters that are equal if case is ignored take linear time") {
  std::string text;
  for (int i = 0; i < 500'000; ++i) text += "\u0130";
  CHECK(PythonRegex("i", PythonRegex::case_insensitive, "p").count(text) == 500'000);
}
