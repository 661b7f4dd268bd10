#include <kvx/score/extract_json.hpp>

#include <doctest/doctest.h>

#include <string>
#include <string_view>

#include "support/json_of.hpp"

using namespace kvx;

namespace {
/// The rule word by word, in quadratic time.
std::optional<JsonTree> by_the_rule(std::string_view text) {
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
  }
  return std::nullopt;
}
}  // namespace

TEST_CASE("The first balanced object that parses is taken") {
  for (const auto& row : {std::pair("x {\"a\": 1} {\"b\": 2}", "{\"a\": 1}"),
                          {"[{\"a\": 1}, {\"b\": 2}]", "{\"a\": 1}"},
                          {"{{\"a\": 1}}", "{\"a\": 1}"},
                          {"{\"a\": {\"b\": 1}", "{\"b\": 1}"},
                          {"{\"}{\": \"\\\"}\"} }", "{\"}{\": \"\\\"}\"}"},
                          {"{not json} {}", "{}"},
                          {"\"{\" {\"a\": NaN}", "{\"a\": NaN}"},
                          {"{\"x\": \"a\nb\"} {\"c\": 1}", "{\"c\": 1}"}}) {
    CAPTURE(row.first);
    const auto found = extract_json(row.first);
    REQUIRE(found);
    CHECK(*found == json_of(row.second));
  }
  for (const char* text : {"", "{", "}", "[]", "42", "{\"a\": 1", "{'a': 1}", "{\"a\": 1,}", "\"{}\\", "}{"}) {
    CAPTURE(text);
    CHECK(extract_json(text).has_value() ==
          (std::string_view(text) == "\"{}\\"));  // a quote outside an object is no string
  }
}

TEST_CASE("Every short text gives what the rule gives") {
  constexpr std::string_view kAlphabet = "{}\"\\:1";
  long found = 0;
  for (int length = 0; length <= 7; ++length) {
    std::string text(static_cast<std::size_t>(length), kAlphabet.front());
    for (;;) {
      const auto expected = by_the_rule(text), actual = extract_json(text);
      const bool same = expected.has_value() == actual.has_value() && (!actual || *actual == *expected);
      if (!same) FAIL(text);
      found += actual.has_value();
      std::size_t at = 0;
      while (at < text.size() && text[at] == kAlphabet.back()) text[at++] = kAlphabet.front();
      if (at == text.size()) break;
      text[at] = kAlphabet[kAlphabet.find(text[at]) + 1];
    }
  }
  CHECK(found > 10'000);
}

TEST_CASE("Hostile megabytes take a moment") {
  constexpr std::size_t kMany = 1 << 18;
  CHECK_FALSE(extract_json(repeated("{", 4 * kMany)));
  CHECK_FALSE(extract_json(repeated("{x", kMany) + repeated("}", kMany)));
  CHECK_FALSE(extract_json(repeated("{\"", kMany)));
  CHECK_FALSE(extract_json(repeated("{\"a\":", kMany)));
  CHECK_FALSE(extract_json(repeated("\\\"{", kMany)));
  CHECK_FALSE(extract_json(repeated("[", 4 * kMany)));
  CHECK_FALSE(extract_json(repeated("{\"a\" 1}", kMany)));
  CHECK(extract_json(repeated("{", kMany) + "{}"));
}

TEST_CASE("Every call of an answer is found, however it is wrapped") {
  const auto names = [](std::string_view text) {
    const auto calls = extract_calls(text);
    std::string found = calls ? "" : "none";
    if (calls)
      for (const JsonTree& call : *calls) found += call.find("name") ? *call.find("name")->string() : "?";
    return found;
  };
  CHECK(names(R"([{"name": "f", "arguments": {"name": "x"}}, {"name": "g"}])") == "fg");
  CHECK(names("{\"name\": \"f\"}\n{\"name\": \"g\"}") == "fg");
  CHECK(names("<tool_call>\n{\"name\": \"f\"}\n</tool_call>\n<tool_call>{\"name\": \"g\"}</tool_call>") == "fg");
  CHECK(names("Here:\n```json\n[{\"name\": \"f\"},\n {\"a\": 1}]\n```") == "f?");
  CHECK(names(R"([{"name": "f"}, {"name": "g", )") == "f");
  CHECK(names(" [ ]\n") == "");
  CHECK(names("None:\n```json\n[]\n```\n") == "");
  for (const char* text : {"", "f(x=1)", "[1]", "x = []", "[[]]", "null"}) CHECK(names(text) == "none");
}
