// The verdicts are those of python-jsonschema 4.26 for the draft that the schema declares.
#include <kvx/io/json_schema/json_schema.hpp>
#include <kvx/io/json_schema/uri.hpp>

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <utility>

#include "support/error_of.hpp"
#include "support/json_of.hpp"

using namespace kvx;

namespace {
constexpr std::string_view kDraft7 = "http://json-schema.org/draft-07/schema#",
                           kDraft2019 = "https://json-schema.org/draft/2019-09/schema",
                           kDraft2020 = "https://json-schema.org/draft/2020-12/schema";

JsonSchema schema_of(std::string_view draft, std::string_view members) {
  return JsonSchema(json_of(R"({"$schema": ")" + std::string(draft) + "\", " + std::string(members) + "}"), "s");
}
bool fits(std::string_view draft, std::string_view members, std::string_view value) {
  return schema_of(draft, members).accepts(json_of(value));
}
std::string refusal(std::string_view draft, std::string_view members) {
  return error_of([&] { schema_of(draft, members); });
}
}  // namespace

TEST_CASE("A schema is read by the draft that it declares") {
  constexpr std::string_view kTuple = R"("prefixItems": [{"type": "number"}, {"type": "number"}], "items": false)";
  CHECK(fits(kDraft2020, kTuple, "[1, 2]"));
  CHECK(fits(kDraft2020, kTuple, "[1]"));
  CHECK_FALSE(fits(kDraft2020, kTuple, "[1, 2, 3]"));
  CHECK_FALSE(fits(kDraft2020, kTuple, R"([1, "2"])"));
  CHECK(fits(kDraft2020, R"("prefixItems": [{"type": "number"}])", R"([1, "x"])"));
  CHECK(fits(kDraft2020, R"("prefixItems": [{"type": "number"}], "additionalItems": false)", R"([1, "x"])"));
  CHECK(fits(kDraft2019, kTuple, "[]"));
  CHECK_FALSE(fits(kDraft2019, kTuple, "[1, 2]"));  // prefixItems is not a keyword of 2019-09
  constexpr std::string_view kOldTuple = R"("items": [{"type": "number"}], "additionalItems": false)";
  for (const std::string_view draft : {kDraft7, kDraft2019}) {
    CHECK(fits(draft, kOldTuple, "[1]"));
    CHECK_FALSE(fits(draft, kOldTuple, "[1, 2]"));
  }
  constexpr std::string_view kNeeds = R"("dependentRequired": {"a": ["b"]})";
  CHECK_FALSE(fits(kDraft2020, kNeeds, R"({"a": 1})"));
  CHECK(fits(kDraft2020, kNeeds, R"({"a": 1, "b": 1})"));
  CHECK(fits(kDraft7, kNeeds, R"({"a": 1})"));
  constexpr std::string_view kBoth =
      R"("dependentRequired": {"a": ["b"], "c": ["d"]}, "dependentSchemas": {"a": {"maxProperties": 2}})";
  CHECK(fits(kDraft2019, kBoth, R"({"a": 1, "b": 1})"));
  CHECK_FALSE(fits(kDraft2019, kBoth, R"({"a": 1, "x": 1})"));
  CHECK_FALSE(fits(kDraft2019, kBoth, R"({"a": 1, "b": 1, "x": 1})"));
  CHECK_FALSE(fits(kDraft2019, kBoth, R"({"c": 1})"));
  CHECK(fits(kDraft2020, R"("dependencies": {"a": ["b"]})", R"({"a": 1})"));
  CHECK_FALSE(fits(kDraft7, R"("dependencies": {"a": ["b"]})", R"({"a": 1})"));
}

TEST_CASE("Since 2019-09 siblings of a reference count, and references lead to anchors") {
  constexpr std::string_view kSiblings = R"("properties": {"x": {"$ref": "#/$defs/s", "maxLength": 2}},
                                            "$defs": {"s": {"type": "string"}})";
  CHECK(fits(kDraft7, kSiblings, R"({"x": "abc"})"));
  for (const std::string_view draft : {kDraft2019, kDraft2020}) {
    CHECK(fits(draft, kSiblings, R"({"x": "ab"})"));
    CHECK_FALSE(fits(draft, kSiblings, R"({"x": "abc"})"));
    CHECK_FALSE(fits(draft, kSiblings, R"({"x": 1})"));
    constexpr std::string_view kAnchor =
        R"("items": {"$ref": "#name"}, "$defs": {"n": {"$anchor": "name", "type": "null"}})";
    CHECK(fits(draft, kAnchor, "[null]"));
    CHECK_FALSE(fits(draft, kAnchor, "[1]"));
    constexpr std::string_view kRoot =
        R"("$ref": "#/$defs/o", "$defs": {"o": {"required": ["a"]}}, "maxProperties": 1)";
    CHECK(fits(draft, kRoot, R"({"a": 1})"));
    CHECK_FALSE(fits(draft, kRoot, R"({"b": 1})"));
    CHECK_FALSE(fits(draft, kRoot, R"({"a": 1, "b": 1})"));
    CHECK(error_of([&] { fits(draft, R"("$ref": "#", "type": "object")", "{}"); }).find("endlessly") !=
          std::string::npos);
  }
}

TEST_CASE("References are relative to the $id of the schema around them") {
  for (const std::string_view draft : {kDraft7, kDraft2019, kDraft2020})
    for (const char* reference : {"other.json", "./other.json", "/schemas/other.json", "../schemas/other.json",
                                  "//h/schemas/other.json", "http://h/schemas/other.json", "other.json#",
                                  "other.json#/definitions/null", "deep/inner.json", "/schemas/deep/inner.json"}) {
      CAPTURE(reference);
      const std::string members = R"("$id": "http://h/schemas/root.json", "properties": {"x": {"$ref": ")" +
                                  std::string(reference) + R"("}}, "definitions": {
            "o": {"$id": "other.json", "type": "null", "definitions": {"null": {"type": "null"}}},
            "d": {"$id": "deep/", "definitions": {"i": {"$id": "inner.json", "$ref": "../other.json"},
                                                 "j": {"$id": "../deep/inner.json", "type": "null"}}}})";
      CHECK(fits(draft, members, R"({"x": null})"));
      CHECK_FALSE(fits(draft, members, R"({"x": 1})"));
    }
  CHECK(refusal(kDraft7, R"("$id": "http://h/a/r.json", "items": {"$ref": "/b.json"})") ==
        "s: $ref /b.json: the schema has no such target");
  const std::string base = "http://a/b/c/d;p?q";  // section 5.4 of RFC 3986
  for (const auto& [reference, uri] :
       {std::pair("g:h", "g:h"),       {"g", "http://a/b/c/g"},     {"./g", "http://a/b/c/g"},
        {"g/", "http://a/b/c/g/"},     {"/g", "http://a/g"},        {"//g", "http://g"},
        {"?y", "http://a/b/c/d;p?y"},  {"g?y", "http://a/b/c/g?y"}, {"#s", "http://a/b/c/d;p?q#s"},
        {"g#s", "http://a/b/c/g#s"},   {"", "http://a/b/c/d;p?q"},  {".", "http://a/b/c/"},
        {"..", "http://a/b/"},         {"../g", "http://a/b/g"},    {"../../g", "http://a/g"},
        {"../../../g", "http://a/g"},  {"/../g", "http://a/g"},     {"./../g", "http://a/b/g"},
        {"g/./h", "http://a/b/c/g/h"}, {"g/../h", "http://a/b/c/h"}}) {
    CAPTURE(reference);
    CHECK(detail::resolved_uri(base, reference) == uri);
  }
}

TEST_CASE("Drafts and keywords that kvx does not check are refused") {
  CHECK(refusal("http://json-schema.org/draft-04/schema#", R"("type": "object")") ==
        "s: $schema: expected draft 6 or 7, 2019-09 or 2020-12 of JSON Schema, found "
        "http://json-schema.org/draft-04/schema#");
  CHECK(refusal("https://json-schema.org/draft-07/schema", R"("type": "object")").empty());
  for (const char* members :
       {R"("unevaluatedProperties": false)", R"("items": {"unevaluatedItems": false})", R"("$dynamicRef": "#a")",
        R"("contains": true, "minContains": 2)", R"("contains": true, "maxContains": 2)"})
    for (const std::string_view draft : {kDraft2019, kDraft2020}) {
      CHECK(refusal(draft, members).find(": kvx does not check this keyword") != std::string::npos);
      CHECK(refusal(kDraft7, members).empty());  // draft 7 does not have these keywords
    }
  CHECK(refusal(kDraft2019, R"("$recursiveRef": "#")").find("$recursiveRef: kvx does not") != std::string::npos);
  CHECK(refusal(kDraft2020, R"("contains": true, "minContains": 1)").empty());
  CHECK(refusal(kDraft2020, R"("items": [true])").starts_with("s: items: expected a schema, found an array"));
  const std::string part = R"("definitions": {"a": {"$schema": "http://json-schema.org/draft-07/schema#"}})";
  CHECK(refusal(kDraft7, part).empty());
  CHECK(refusal(kDraft2020, part) ==
        "s: $schema: expected one draft in all parts of a schema, found also http://json-schema.org/draft-07/schema#");
  CHECK(refusal(kDraft2020, R"("properties": {"$schema": {"type": "string"}})").empty());
  CHECK(error_of([] { JsonSchema(json_of(R"({"$schema": 7})"), "s"); }) ==
        "s: expected $schema to be a string, found a number");
}
