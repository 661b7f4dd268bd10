#include <kvx/score/tool_call/extract_json.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "support/json_of.hpp"

using namespace kvx;

namespace {
bool simple_has_key(std::string_view text, std::size_t brace) {
  std::size_t pos = brace + 1;
  const auto skip_blanks = [&] {
    while (pos < text.size() && std::string_view(" \t\r\n").find(text[pos]) != std::string_view::npos) ++pos;
  };
  skip_blanks();
  if (pos >= text.size() || text[pos++] != '"') return false;
  while (pos < text.size() && text[pos] != '"') pos += text[pos] == '\\' ? 2u : 1u;
  ++pos;
  skip_blanks();
  return pos < text.size() && text[pos] == ':';
}

/// The first object; nullopt if a broken one comes before it. A simple implementation that takes quadratic time.
std::optional<JsonTree> simple_first_object(std::string_view text) {
  for (std::size_t start = text.find('{'); start != text.npos; start = text.find('{', start + 1)) {
    int depth = 0;
    bool string = false;
    for (std::size_t i = start; i < text.size(); ++i) {
      const char c = text[i];
      if (string && c == '\\') {
        ++i;
      } else if (c == '"') {
        string = !string;
      } else if (!string && c == '{') {
        ++depth;
      } else if (!string && c == '}' && --depth == 0) {
        if (auto tree = parse_json(text.substr(start, i + 1 - start))) return tree;
        break;
      }
    }
    if (simple_has_key(text, start)) return std::nullopt;
  }
  return std::nullopt;
}

std::optional<JsonTree> first_object(std::string_view text) {
  const ExtractedObjects objects = extract_objects(text);
  return objects.whole.empty() ? std::nullopt : std::optional(objects.whole.front());
}
}  // namespace

TEST_CASE("The first object is taken, and braces that do not begin an object are skipped") {
  for (const auto& row : {std::pair("x {\"a\": 1} {\"b\": 2}", "{\"a\": 1}"),
                          {"[{\"a\": 1}, {\"b\": 2}]", "{\"a\": 1}"},
                          {"{{\"a\": 1}}", "{\"a\": 1}"},
                          {"{\"}{\": \"\\\"}\"} }", "{\"}{\": \"\\\"}\"}"},
                          {"{not json} {}", "{}"},
                          {"{\"a\", \"b\"} {\"c\": 1}", "{\"c\": 1}"},
                          {"\"{\" {\"a\": NaN}", "{\"a\": NaN}"}}) {
    CAPTURE(row.first);
    const auto found = first_object(row.first);
    REQUIRE(found);
    CHECK(*found == json_of(row.second));
  }
  for (const char* text : {"", "{", "}", "[]", "42", "{\"a\": 1", "{'a': 1}", "{\"a\": 1,}", "\"{}\\", "}{"}) {
    CAPTURE(text);
    CHECK(first_object(text).has_value() ==
          (std::string_view(text) == "\"{}\\"));  // a quote outside an object does not begin a string
  }
}

TEST_CASE("Text inside and after a broken object is ignored") {
  for (const char* text : {"{\"a\": {\"b\": 1}", "{\"x\": \"a\nb\"} {\"c\": 1}", "{\"a\": 1,} {\"c\": 1}",
                           "{ \t\n\"a\" \n: None} {}", "{\"a\\\"b\": c {}} {}", "{\"thought\": \"say \"hi\"\", {}"}) {
    CAPTURE(text);
    CHECK(extract_objects(text).whole.empty());
    CHECK(extract_objects(text).broken);
  }
  const ExtractedObjects two = extract_objects("{\"a\": 1} {\"b\": {}");
  CHECK(two.whole.size() == 1);
  CHECK(two.count() == 2);
}

TEST_CASE("Every short text gives what a simple implementation gives") {
  constexpr std::string_view kAlphabet = "{}\"\\:1";
  long found = 0;
  for (int length = 0; length <= 7; ++length) {
    std::string text(static_cast<std::size_t>(length), kAlphabet.front());
    for (;;) {
      const auto expected = simple_first_object(text), actual = first_object(text);
      const bool same = expected.has_value() == actual.has_value() && (!actual || *actual == *expected);
      if (!same) FAIL(text);
      found += actual.has_value();
      std::size_t pos = 0;
      while (pos < text.size() && text[pos] == kAlphabet.back()) text[pos++] = kAlphabet.front();
      if (pos == text.size()) break;
      text[pos] = kAlphabet[kAlphabet.find(text[pos]) + 1];
    }
  }
  CHECK(found > 10'000);
}

TEST_CASE("Hostile megabytes are read quickly") {
  constexpr std::size_t kMany = 1 << 18;
  CHECK_FALSE(first_object(repeated("{", 4 * kMany)));
  CHECK_FALSE(first_object(repeated("{x", kMany) + repeated("}", kMany)));
  CHECK_FALSE(first_object(repeated("{\"", kMany)));
  CHECK_FALSE(first_object(repeated("{\"a\":", kMany)));
  CHECK_FALSE(first_object(repeated("\\\"{", kMany)));
  CHECK_FALSE(first_object(repeated("[", 4 * kMany)));
  CHECK_FALSE(first_object(repeated("{\"a\" 1}", kMany)));
  CHECK(first_object(repeated("{", kMany) + "{}"));
}

TEST_CASE("Every call of an answer is found, however it is wrapped") {
  const auto names = [](std::string_view text) {
    std::string found;
    for (const JsonTree& call : extract_objects(text).whole)
      found += call.find("name") ? *call.find("name")->string() : "?";
    return found;
  };
  CHECK(names(R"([{"name": "f", "arguments": {"name": "x"}}, {"name": "g"}])") == "fg");
  CHECK(names("{\"name\": \"f\"}\n{\"name\": \"g\"}") == "fg");
  CHECK(names("<tool_call>\n{\"name\": \"f\"}\n</tool_call>\n<tool_call>{\"name\": \"g\"}</tool_call>") == "fg");
  CHECK(names("Here:\n```json\n[{\"name\": \"f\"},\n {\"a\": 1}]\n```") == "f?");
  CHECK(names(R"([{"name": "f"}, {"name": "g", )") == "f");
  for (const char* text : {"", "[]", "f(x=1)", "[1]", "x = []", "[[]]", "null"}) CHECK(names(text).empty());
}
