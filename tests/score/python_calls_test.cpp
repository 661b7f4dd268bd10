#include <kvx/score/tool_call/python_calls.hpp>

#include <doctest/doctest.h>

#include <string>
#include <string_view>

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

TEST_CASE("Words around calls are skipped, and a text with only words has no calls") {
  const auto count = [](std::string_view text) { return python_calls(text).value().size(); };
  CHECK(count("Let me check.\n[Get Weather(city=\"Oslo\")]") == 1);
  CHECK(count("[f(x=1)] and more") == 1);
  CHECK(count("First [f(x=1)], then [g(), f(x=2)].") == 3);
  for (const char* text : {"", "f(x=1)", "None of them [sadly].", "[see (a)]", "[(x=1)]", "[\"f\", \"g\"]", "[1, 2",
                           "[{\"name\": \"f\"}]"})
    CHECK(count(text) == 0);
}

TEST_CASE("A text that begins like a call and cannot be read is not treated as words") {
  for (const char* text : {"[f(x=1)", "[f(x=1]", "[f(1)]", "[f(x=y)]", "[f(x=01)]", "[f(x=\"1)]", "[f(x={1: 2})]",
                           "[f(x=1) g()]", "[f(x=today())]", "[f(=1)]", "Well: [f(x=today())]"})
    CHECK_FALSE(python_calls(text));
  CHECK_FALSE(python_calls("[f(x=" + repeated("[", 100000) + repeated("]", 100000) + ")]"));
}
