#include <kvx/io/json_schema/json_schema.hpp>
#include <kvx/io/text_file.hpp>

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <thread>

#include "support/error_of.hpp"
#include "support/json_of.hpp"
#include "support/reference.hpp"

using namespace kvx;

// Tests that reach the limit of steps start no thread, and would take a minute under TSan.
#ifdef __SANITIZE_THREAD__
constexpr bool kUnderTsan = true;
#else
constexpr bool kUnderTsan = false;
#endif

namespace {
bool valid(std::string_view schema, std::string_view value) {
  return JsonSchema(json_of(schema), "s").accepts(json_of(value));
}
std::string refused(std::string_view schema) {
  return error_of([&] { JsonSchema(json_of(schema), "s"); });
}
}  // namespace

TEST_CASE("Verdicts equal python-jsonschema's") {
  const std::string text = read_text_file(kvx_test::reference("jsonschema/cases.jsonl").path);
  kvx_test::Tally tally{"json schema"};
  for (std::size_t pos = 0; pos < text.size(); pos = text.find('\n', pos) + 1) {
    const JsonTree row = json_of(std::string_view(text).substr(pos, text.find('\n', pos) - pos));
    CAPTURE(row.find("id")->number()->digits());
    const bool verdict = JsonSchema(*row.find("schema"), "schema").accepts(*row.find("instance"));
    CHECK(tally.count(verdict == *row.find("valid")->boolean()));
  }
  CHECK(tally.cases > 300);
}

TEST_CASE("References lead to JSON pointers, identifiers and their fragments, and their siblings are ignored") {
  constexpr std::string_view kTree =
      R"({"type": "object", "properties": {"kids": {"items": {"$ref": "#"}}}, "required": ["v"]})";
  CHECK(valid(kTree, R"({"v": 1, "kids": [{"v": 2, "kids": []}]})"));
  CHECK_FALSE(valid(kTree, R"({"v": 1, "kids": [{"v": 2, "kids": [{}]}]})"));
  constexpr std::string_view kEscaped = R"({"$ref": "#/definitions/a~1b%25/0", "maxLength": 0,
                                            "definitions": {"a/b%": [{"type": "string"}]}})";
  CHECK(valid(kEscaped, "\"x\""));
  CHECK_FALSE(valid(kEscaped, "1"));
  constexpr std::string_view kNested =
      R"({"$id": "http://h/a/r.json", "properties": {"x": {"$ref": "b/i.json#/d"}, "y": {"$ref": "b/i.json#n"}},
    "definitions": {"i": {"$id": "b/i.json", "d": {"$ref": "#n"}, "e": {"$id": "#n", "type": "null"}}}})";
  CHECK(valid(kNested, R"({"x": null, "y": null})"));
  CHECK_FALSE(valid(kNested, R"({"x": 0})"));
  CHECK_FALSE(valid(kNested, R"({"y": 0})"));
  // valijson confuses a schema with its propertyNames when a reference leads to the schema.
  constexpr std::string_view kNames = R"({"items": {"$ref": "#/definitions/o"},
                                          "definitions": {"o": {"type": "object", "propertyNames": {"maxLength": 1}}}})";
  CHECK(valid(kNames, R"([{"a": 1}])"));
  CHECK_FALSE(valid(kNames, R"([{"ab": 1}])"));
}

TEST_CASE("patternProperties applies together with properties, and before additionalProperties") {
  constexpr std::string_view kSchema =
      R"({"properties": {"x_a": {"minimum": 5}}, "patternProperties": {"^x_": {"type": "integer"},
    "\u00e9$": true}, "additionalProperties": {"$ref": "#/definitions/s"}, "definitions": {"s": {"type": "string"}}})";
  CHECK(valid(kSchema, R"({"x_a": 5, "x_b": 1, "caf\u00e9": [], "other": "s"})"));
  CHECK_FALSE(valid(kSchema, R"({"x_a": 4})"));
  CHECK_FALSE(valid(kSchema, R"({"x_a": 5.5})"));
  CHECK_FALSE(valid(kSchema, R"({"x_b": "s"})"));
  CHECK_FALSE(valid(kSchema, R"({"other": 1})"));
  CHECK(valid(R"({"patternProperties": {"a": false}})", R"({"b": 1})"));
  CHECK_FALSE(valid(R"({"patternProperties": {"a": false}, "additionalProperties": false})", R"({"b": 1})"));
}

TEST_CASE("Numbers beyond a double and texts with a zero byte or a lone surrogate are checked exactly") {
  CHECK(valid(R"({"const": 123456789012345678901234567890})", "123456789012345678901234567890"));
  CHECK_FALSE(valid(R"({"const": 123456789012345678901234567890})", "123456789012345678901234567891"));
  CHECK(valid(R"({"multipleOf": 7})", "700000000000000000000000000000"));
  CHECK_FALSE(valid(R"({"multipleOf": 7})", "700000000000000000000000000001"));
  CHECK_FALSE(valid(R"({"type": "integer"})", "1e400"));
  CHECK(valid(R"({"minLength": 3, "maxLength": 3})", R"("\u0000\ud800x")"));
  CHECK(valid(R"({"pattern": "x$"})", R"("\u0000\ud800x")"));
}

TEST_CASE("An invalid schema is an error that names the keyword and what was expected") {
  CHECK(refused("3") == "s: expected a schema, an object or a boolean, found a number");
  CHECK(refused(R"({"properties": {"a": 1}})") == "s: expected a schema, an object or a boolean, found a number");
  CHECK(refused(R"({"properties": []})") == "s: properties: expected an object, found an array");
  CHECK(refused(R"({"anyOf": {}})") == "s: anyOf: expected an array, found an object");
  CHECK(refused(R"({"enum": 1})") == "s: enum: expected an array, found a number");
  CHECK(refused(R"({"minimum": "1"})") == "s: minimum: expected a number, found a string");
  CHECK(refused(R"({"multipleOf": 0})") == "s: multipleOf: expected a number above 0, found 0");
  CHECK(refused(R"({"pattern": "("})").starts_with("s: pattern (: not a regular expression: "));
  CHECK(refused(R"({"type": "text"})").starts_with("s: not a JSON Schema of draft 7: "));
  CHECK(refused(R"({"required": "a"})").starts_with("s: not a JSON Schema of draft 7: "));
  CHECK(refused(R"({"minItems": 1e30})").starts_with("s: not a JSON Schema of draft 7: "));
  CHECK(refused(R"({"$ref": 1})") == "s: expected $ref to be a string, found a number");
  CHECK(refused(R"({"$ref": "#/a"})") == "s: $ref #/a: the schema has no such target");
  CHECK(refused(R"({"items": {"$ref": "http://elsewhere/x.json"}})") ==
        "s: $ref http://elsewhere/x.json: the schema has no such target");
}

TEST_CASE("Schemas that refer to themselves endlessly or nest too deeply are errors" * doctest::skip(kUnderTsan)) {
  CHECK(refused(R"({"$ref": "#"})").find("references in a chain") != std::string::npos);
  CHECK(refused(R"({"$ref": "#/definitions/a", "definitions": {"a": {"$ref": "#"}}})").find("references in a chain") !=
        std::string::npos);
  for (const char* schema : {R"({"allOf": [{"$ref": "#"}]})", R"({"anyOf": [{"not": {"$ref": "#"}}]})",
                             R"({"patternProperties": {"a": {"not": {"$ref": "#/patternProperties/a"}}}})"})
    CHECK(error_of([&] { valid(schema, R"({"a": 1})"); }).find("endlessly") != std::string::npos);
  std::string nested = "true";
  for (int i = 0; i < 400; ++i) nested = R"({"not": )" + nested + "}";
  CHECK(refused(nested) == "s: expected at most 256 levels of nesting, found more");
}

TEST_CASE("A chain of many subschemas is read, and a chain of too many is refused") {
  const auto chain = [](int links) {
    std::string schema = R"({"items": {"$ref": "#/d/0"}, "d": {)";
    for (int i = 0; i < links; ++i)
      schema += "\"" + std::to_string(i) + R"(": {"items": {"$ref": "#/d/)" + std::to_string(i + 1) + "\"}}, ";
    return schema + "\"" + std::to_string(links) + R"(": {"items": {"$ref": "#"}}}})";
  };
  CHECK(valid(chain(50), "[[[[1]]]]"));
  const std::string long_chain = refused(chain(900));  // depends on the size of the compiler's stack frames
  CHECK((long_chain.empty() || long_chain.starts_with("s: validation takes too many steps or nests too deeply")));
  CHECK(refused(chain(1000)) == "s: expected at most 1000 subschemas, found more");
}

TEST_CASE("Hostile schemas and values get a verdict or an error quickly" * doctest::skip(kUnderTsan)) {
  const JsonSchema tree(
      json_of(R"({"items": {"$ref": "#"}, "additionalProperties": {"anyOf": [{"$ref": "#"}, {"$ref": "#"}]}})"), "s");
  CHECK(tree.accepts(json_of(repeated("[", 500) + repeated("]", 500))));
  CHECK(tree.accepts(json_of(repeated("{\"a\":", 500) + "1" + repeated("}", 500))));
  const JsonSchema exponential(
      json_of(R"({"additionalProperties": {"anyOf": [{"$ref": "#"}, {"$ref": "#"}]}, "not": {"const": 1}})"), "s");
  CHECK(error_of([&] {
          exponential.accepts(json_of(repeated("{\"a\":", 60) + "1" + repeated("}", 60)));
        }).find("too many steps") != std::string::npos);
  CHECK(error_of([&] {
          tree.accepts(json_of("{\"" + std::string(1 << 20, 'x') + "\": [" + repeated("[],", 100'000) + "0]}"));
        }).find("too many steps") != std::string::npos);
  CHECK(error_of([&] {
          valid(R"({"pattern": "^(a|b)*$"})", "\"" + repeated("ab", 1 << 19) + "c\"");
        }).find("too many steps") != std::string::npos);
  CHECK(error_of([&] {
          valid(R"({"pattern": "^(a+)+$"})", "\"" + std::string(60, 'a') + "b\"");
        }).find("too many steps") != std::string::npos);
  const std::string slow = "\"" + std::string(20, 'a') + "!\"";
  CHECK(error_of([&] {
          valid(R"({"items": {"anyOf": [{"pattern": "^(\\w+\\s?)*$"}, {"type": "string"}]}})",
                "[" + repeated(slow + ",", 40'000) + slow + "]");
        }).find("too many steps") != std::string::npos);
  CHECK_FALSE(valid(R"({"uniqueItems": true})", "[" + repeated("1,2,", 100'000) + "3]"));
  std::string distinct = "[0";
  for (int i = 1; i < 100'000; ++i) distinct += "," + std::to_string(i);
  CHECK(valid(R"({"uniqueItems": true})", distinct + "]"));
}

TEST_CASE("A schema outlives its text and can be used by several threads") {
  const JsonSchema schema = JsonSchema(json_of(R"({"items": {"enum": [{"a": [1, "x"]}], "pattern": "^x"}})"), "s");
  const auto validate = [&] {
    for (int i = 0; i < 200; ++i) {
      CHECK(schema.accepts(json_of(R"([{"a": [1.0, "x"]}])")));
      CHECK_FALSE(schema.accepts(json_of(R"([{"a": [1.0, "y"]}])")));
    }
  };
  std::thread other(validate);
  validate();
  other.join();
}
