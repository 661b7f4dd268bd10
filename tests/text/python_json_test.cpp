#include <kvx/text/python/python_json.hpp>

#include <doctest/doctest.h>

#include <string>

#include "support/error_of.hpp"

using namespace kvx;

TEST_CASE("JSON is written with Python's separators and spelling of numbers, in the same order") {
  const auto python = [](std::string_view json) { return python_json(json, "tool"); };
  CHECK(python(R"( {"b":[1,2 ,{}],"a":[] , "c":null,"d":true,"e":false} )") ==
        R"({"b": [1, 2, {}], "a": [], "c": null, "d": true, "e": false})");
  CHECK(python("[1e2,1.0,-0.0,0.1,2.5,1e15,123456789012345680.0]") ==
        "[100.0, 1.0, -0.0, 0.1, 2.5, 1000000000000000.0, 1.2345678901234568e+17]");
  CHECK(python("[1e16,1.5e300,0.0001,0.00001,-1.25e-7,5e-324,0.00012345,12345.678]") ==
        "[1e+16, 1.5e+300, 0.0001, 1e-05, -1.25e-07, 5e-324, 0.00012345, 12345.678]");
  CHECK(python("[-0,-9223372036854775808,18446744073709551615]") == "[0, -9223372036854775808, 18446744073709551615]");
}

TEST_CASE("In strings, only quotes, backslashes and control characters are escaped") {
  CHECK(python_json(R"("\u00fc <&>'/ \" \\ \n\r\t\f\b \u0001\u001F \u007f \ud83d\ude00")", "tool") ==
        "\"\u00fc <&>'/ \\\" \\\\ \\n\\r\\t\\f\\b \\u0001\\u001f \x7f \U0001F600\"");
}

TEST_CASE("Text that is not JSON or nests too deeply is an error") {
  for (const std::string& text :
       {std::string("{\"a\":}"), std::string(), std::string("[1,]"), std::string(100'000, '[')})
    CHECK(error_of([&] { python_json(text, "tool"); }).starts_with("tool: not valid JSON: "));
}
