#include <kvx/text/python/is_python_json.hpp>

#include <doctest/doctest.h>

#include <string>

#include "support/json_of.hpp"

using namespace kvx;

TEST_CASE("JSON that Python's json.loads accepts is accepted") {
  for (const char* text : {"1", "-0", "0.5e+3", "\"\"", "null", " true\n", "NaN", "-Infinity", "[Infinity, []]", "{}",
                           R"({"a": [1, {"b": "\u00e9\ud800\/\n"}], "a": 2})", "[1,\r\n\t2]", "\"\u00e9\x7f\""})
    CHECK_MESSAGE(is_python_json(text), text);
}

TEST_CASE("JSON that Python's json.loads refuses is refused") {
  for (const char* text :
       {"",           " ",           "01",        "1.",       ".5",          "+1",       "-",
        "1e",         "--1",         "-NaN",      "nul",      "True",        "'a'",      "\"a",
        "\"\\x\"",    "\"\\u12g4\"", "\"a\nb\"",  "\"\t\"",   "[1,]",        "[1 2]",    "[",
        "]",          "{\"a\"}",     "{\"a\": }", "{a: 1}",   "{\"a\": 1,}", "\"a\": 1", "{\"a\": \"b\": 1}",
        "[\"a\": 1]", "1 2",         "{} {}",     "\ufeff{}", "\u00a01",     "[1",       "{\"a\": [}",
        "/**/1",      "\"\\"})
    CHECK_MESSAGE(!is_python_json(text), text);
}

TEST_CASE("The length of integers and the depth of nesting are limited as in Python") {
  CHECK(is_python_json("-" + std::string(4300, '1')));
  CHECK_FALSE(is_python_json(std::string(4301, '1')));
  CHECK(is_python_json(std::string(4301, '1') + ".0"));
  CHECK(is_python_json(repeated("[", 900) + repeated("]", 900)));
  CHECK_FALSE(is_python_json(repeated("[", 1 << 20) + repeated("]", 1 << 20)));
  CHECK_FALSE(is_python_json(repeated("{\"a\":", 1 << 18)));
}
