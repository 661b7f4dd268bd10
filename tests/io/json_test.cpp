#include <kvx/io/json/json.hpp>

#include <doctest/doctest.h>

#include <string>

#include "support/error_of.hpp"

using kvx::JsonDocument;

TEST_CASE("a wrong type is an error with file, field, expected and found") {
  const auto document = JsonDocument::parse(R"({"a": {"b": [1, "x"]}, "n": null})", "f.json");
  const auto& root = document.root();
  CHECK(root.at("a").at("b").where() == "f.json: field a.b");
  std::string message;
  root.at("a").at("b").each_element([&](const kvx::JsonValue& value) {
    if (value.is_string()) message = error_of([&] { value.integer(); });
  });
  CHECK(message == "f.json: field a.b[1]: expected an integer, found \"x\"");
  CHECK(error_of([&] { root.at("c"); }) == "f.json: missing field c");
  CHECK(error_of([&] { root.at("n"); }) == "f.json: missing field n");
  CHECK_FALSE(root.find("n"));
  CHECK(error_of([&] { root.at("a").at("b").find("c"); }) == "f.json: field a.b: expected an object, found [1,\"x\"]");
}

TEST_CASE("text that is not JSON, not UTF-8 or too deep is an error") {
  for (const std::string text : {"", "{", "{\"a\": 1} x", "{\"a\": 1e999}", "{\"a\": \"\xff\"}"}) {
    CHECK(error_of([&] { JsonDocument::parse(text, "f"); }).starts_with("f: not valid JSON: "));
  }
  CHECK_FALSE(error_of([] { JsonDocument::parse(std::string(100'000, '['), "f"); }).empty());
}

TEST_CASE("an error message is one short line and does not cut a character") {
  const auto document = JsonDocument::parse(R"({"a\nb": ")" + std::string(100, 'x') + R"("})", "f");
  document.root().each_member([](std::string_view, const kvx::JsonValue& value) {
    CHECK(error_of([&] { value.boolean(); }) ==
          "f: field a?b: expected a boolean, found \"" + std::string(59, 'x') + "...");
  });
  CHECK(kvx::detail::shortened("a\xc3\xa4\xc3\xb6", 4) == "a\xc3\xa4...");
}
