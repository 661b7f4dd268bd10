#include <kvx/score/python_calls.hpp>

#include <doctest/doctest.h>

#include <string>

#include "support/json_of.hpp"

using namespace kvx;

TEST_CASE("Calls in Python's syntax are read with the literals of Python and of JSON") {
  const auto calls = python_calls(
      R"( [Get it/v2.now(a = "x\"y", b='it\'s \u00e9\d', c=[1, -2.5e3, (True, None,)], d={"k": {'l': false}}, )"
      "e=null), plain( )]\n");
  REQUIRE(calls);
  CHECK(JsonTree(*calls) == json_of(R"([{"name": "Get it/v2.now", "arguments": {"a": "x\"y", "b": "it's \u00e9\\d", )"
                                    R"("c": [1, -2500, [true, null]], "d": {"k": {"l": false}}, "e": null}}, )"
                                    R"({"name": "plain", "arguments": {}}])"));
  CHECK(python_calls("[]")->empty());
}

TEST_CASE("What is no call is not read as one") {
  for (const char* text : {"", "f(x=1)", "[f(x=1)", "[f(x=1]", "[f(x=1)] and more", "[f(1)]", "[f(x=y)]", "[f(x=01)]",
                           "[f(x=\"1)]", "[f(x={1: 2})]", "[(x=1)]", "[f(x=1) g()]", "[\"f\", \"g\"]",
                           "[{\"name\": \"f\"}]", "[f(x=today())]", "[f(=1)]"})
    CHECK_FALSE(python_calls(text));
  CHECK_FALSE(python_calls("[f(x=" + repeated("[", 100000) + repeated("]", 100000) + ")]"));
}
