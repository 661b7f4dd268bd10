#include <kvx/io/json/json_tree.hpp>

#include <doctest/doctest.h>

#include "support/json_of.hpp"

using namespace kvx;

TEST_CASE("Members are found by name, and the last member of a repeated name is kept") {
  const JsonTree tree = json_of(R"({"b": 1, "a": 2, "b": 3, "": 4, "b": 5})");
  REQUIRE(tree.object() != nullptr);
  CHECK(tree.object()->size() == 3);
  CHECK(tree.find("b")->number()->digits() == "5");
  CHECK(tree.find("a")->number()->digits() == "2");
  CHECK(tree.find("")->number()->digits() == "4");
  CHECK(tree.find("c") == nullptr);
  CHECK(json_of("[1]").find("a") == nullptr);
}

TEST_CASE("Values are equal whatever their spelling and the order of members") {
  CHECK(json_of(R"({"a": 1, "b": [2, null]})") == json_of(R"({"b": [2.0, null], "a": 1e0})"));
  CHECK(json_of(R"("\u0063\u00e9")") == json_of("\"c\u00e9\""));
  for (const auto& [a, b] : {std::pair("[1, 2]", "[2, 1]"),
                             {"{\"a\": 1}", "{\"b\": 1}"},
                             {"[]", "{}"},
                             {"\"\"", "null"},
                             {"[1]", "[1, 1]"},
                             {"\"1\"", "1"},
                             {"0", "null"},
                             {"false", "null"}}) {
    CHECK(json_of(a) != json_of(b));
    CHECK_FALSE(python_equal(json_of(a), json_of(b)));
  }
}

TEST_CASE("A boolean equals a number in Python, but not in JSON Schema") {
  for (const auto& [a, b] :
       {std::pair("true", "1"), {"1.0", "true"}, {"false", "-0"}, {"[true, {\"a\": 0}]", "[1, {\"a\": false}]"}}) {
    CHECK(python_equal(json_of(a), json_of(b)));
    CHECK(json_of(a) != json_of(b));
  }
  CHECK(python_equal(json_of("true"), json_of("true")));
  CHECK_FALSE(python_equal(json_of("true"), json_of("false")));
  CHECK_FALSE(python_equal(json_of("true"), json_of("2")));
  CHECK_FALSE(python_equal(json_of("true"), json_of("\"true\"")));
}
