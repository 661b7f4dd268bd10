#include <kvx/io/json/json_tree_parse.hpp>

#include <doctest/doctest.h>

#include <string>
#include <string_view>

#include "support/json_of.hpp"

using namespace kvx;

TEST_CASE("Numbers keep their digits") {
  for (const char* digits :
       {"0", "-0", "1.50", "1E+2", "123456789012345678901234567890", "1e400", "-0.0", "NaN", "Infinity", "-Infinity"})
    CHECK(json_of(digits).number()->digits() == digits);
  for (const char* text : {"01", "+1", "1.", ".5", "-", "1e", "1e+", "0x1", "--1", "1_0", "nan", "-NaN", "1a"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_json(text));
  }
}

TEST_CASE("Strings are unescaped, lone surrogates included") {
  CHECK(*json_of(R"("a\"\\\/\b\f\n\r\t\u0041\u00e9\u4e2d\ud83d\ude00")").string() ==
        "a\"\\/\b\f\n\r\tA\u00e9\u4e2d\U0001F600");
  CHECK(*json_of(R"("\u0000")").string() == std::string(1, '\0'));
  CHECK(*json_of(R"("\ud83dx\ude00")").string() == "\xED\xA0\xBDx\xED\xB8\x80");
  CHECK(*json_of(R"("\ud83d\ud83d\ude00")").string() == "\xED\xA0\xBD\U0001F600");
  CHECK(json_of(R"({"\u0061": 1})").object()->front().name == "a");
  for (const char* text :
       {R"("\x")", R"("\u12")", R"("\u12g4")", "\"a\nb\"", "\"\xff\"", "\"", "\"a", R"("\)", R"("a"b)", "'a'"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_json(text));
  }
}

TEST_CASE("A colon is valid only after the name of a member") {
  for (const char* text : {R"("a": 1)", R"(["a": 1])", R"({"a": "b": 1})", R"(["a":])", R"({"a": {"b"}})"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_json(text));
  }
}

TEST_CASE("A JSON text is exactly one complete value") {
  for (const char* text : {"null", " true ", "false\n", "[]", "{}", "[1, [2], {\"a\": []}]", "\t{\"a\" : 1 }\r\n"})
    CHECK(parse_json(text));
  for (const char* text :
       {"",    " ",     "nul",        "nulll",      "True",       "[1,]",        "[,1]",           "[1 2]",
        "[1",  "1]",    "{\"a\":1,}", "{a:1}",      "{\"a\" 1}",  "{\"a\":}",    "{1:2}",          "[}",
        "{]",  "1 2",   "[] []",      "1],[2",      "]",          "{\"a\":1}}",  "\xEF\xBB\xBF{}", "// x\n1",
        "\v1", "[1\f]", "{,}",        "[\"a\": 1]", "{\"a\", 1}", "[true false]"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_json(text));
  }
  CHECK_FALSE(parse_json(std::string_view("1\0", 2)));
}

TEST_CASE("Nesting is limited, and a megabyte of brackets is refused at once") {
  const auto nested = [](int depth) {
    return repeated("[", static_cast<std::size_t>(depth)) + repeated("]", static_cast<std::size_t>(depth));
  };
  CHECK(parse_json(nested(kJsonDepth)));
  CHECK_FALSE(parse_json(nested(kJsonDepth + 1)));
  CHECK_FALSE(parse_json(nested(1 << 19)));
  CHECK_FALSE(parse_json(repeated("[", 1 << 20)));
  CHECK_FALSE(parse_json(repeated("{\"a\":", 1 << 18)));
}

TEST_CASE("Many members do not take quadratic time") {
  std::string text = "{\"x\": 0";
  for (int i = 0; i < 200'000; ++i) text += ", \"" + std::to_string(i % 100'000) + "\": " + std::to_string(i);
  const JsonTree tree = json_of(text + "}");
  CHECK(tree.object()->size() == 100'001);
  CHECK(tree.find("99999")->number()->digits() == "199999");
}
