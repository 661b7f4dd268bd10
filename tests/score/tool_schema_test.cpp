#include <kvx/io/json_schema/json_schema.hpp>
#include <kvx/score/tool_call/tool_schema.hpp>

#include <doctest/doctest.h>

#include <string>

#include "support/json_of.hpp"

using namespace kvx;

TEST_CASE("The types of BFCL and of Python become those of JSON Schema") {
  const auto schema = [](const std::string& type) { return tool_schema(json_of(R"({"type": ")" + type + "\"}")); };
  const auto expected = [](const std::string& type) { return json_of(R"({"type": ")" + type + "\"}"); };
  for (const char* type : {"dict", "object", "Dict[str, List[int]]"}) CHECK(schema(type) == expected("object"));
  for (const char* type : {"float", "number", "Optional[float]", "float, optional"})
    CHECK(schema(type) == expected("number"));
  for (const char* type : {"tuple", "list", "Tuple[int, str]"}) CHECK(schema(type) == expected("array"));
  CHECK(schema("bool, optional") == expected("boolean"));
  CHECK(schema("List[int], optional") == json_of(R"({"type": "array", "items": {"type": "integer"}})"));
  CHECK(schema("List[List[str]]") ==
        json_of(R"({"type": "array", "items": {"type": "array", "items": {"type": "string"}}})"));
  for (const char* type : {"any", "Union[int, str]", "", "date"}) CHECK(schema(type) == json_of("{}"));
  CHECK(schema(repeated("List[", 1 << 20)) == json_of("{}"));
  CHECK(tool_schema(json_of(R"({"type": ["string", "null"]})")) == json_of("{}"));
}

TEST_CASE("A declaration becomes a schema of draft 7, whatever else is in it") {
  const JsonTree schema = tool_schema(json_of(
      R"({"type": "dict", "properties": {"a": {"type": "float", "required": true, "minimum": "0", "enum": [1.5, 2]}, )"
      R"("b": {"type": "array", "items": {"type": "dict", "properties": {"c": {"type": "any"}}, "required": ["c"]}}, )"
      R"("d": "text"}, "required": ["a", 1], "optional": ["b"]})"));
  CHECK(schema == json_of(R"({"type": "object", "properties": {"a": {"type": "number", "enum": [1.5, 2]}, "b": )"
                          R"({"type": "array", "items": {"type": "object", "properties": {"c": {}}, )"
                          R"("required": ["c"]}}, "d": {}}, "required": ["a"]})"));
  const JsonSchema compiled(schema, "schema");
  CHECK(compiled.accepts(json_of(R"({"a": 2, "b": [{"c": null}]})")));
  CHECK_FALSE(compiled.accepts(json_of(R"({"a": 3})")));
  CHECK_FALSE(compiled.accepts(json_of(R"({"a": 2, "b": [{}]})")));
}

TEST_CASE("Parameters that are declared one by one are required unless optional or with a default") {
  CHECK(parameters_schema(json_of(R"({"type": {"type": "str"}, "n": {"type": "int", "default": 3}, )"
                                  R"("m": {"type": "int, optional"}})")) ==
        json_of(R"({"type": "object", "properties": {"type": {"type": "string"}, "n": {"type": "integer", )"
                R"("default": 3}, "m": {"type": "integer"}}, "required": ["type"]})"));
  CHECK(parameters_schema(json_of(R"({"type": "dict", "properties": {}})")) ==
        json_of(R"({"type": "object", "properties": {}})"));
  CHECK(parameters_schema(json_of("null")) == json_of("{}"));
}
