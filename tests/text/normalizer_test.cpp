#include <kvx/text/normalizer.hpp>

#include <doctest/doctest.h>

#include <string>

#include "support/error_of.hpp"

using namespace kvx;

namespace {
NormalizedText normalized(const std::string& json, std::string_view text) {
  return Normalizer(JsonDocument::parse(json, "file").root())(text);
}
const std::string kPrepend = R"({"type":"Prepend","prepend":"_"})";
const std::string kReplace = R"({"type":"Replace","pattern":{"String":" "},"content":"_"})";
const std::string kStrip = R"({"type":"Strip","strip_left":true,"strip_right":true})";
}  // namespace

TEST_CASE("A normalizer's steps change a text one after the other") {
  CHECK(normalized(R"({"type":"NFC"})", "e\u0301").text == "\u00e9");
  CHECK(normalized(kPrepend, "a").text == "_a");
  CHECK(normalized(kPrepend, "").text == "");
  CHECK(normalized(kReplace, " a  b").text == "_a__b");
  CHECK(normalized(kStrip, "\u3000\n a b\t\u00a0").text == "a b");
  CHECK(normalized(kStrip, " \n").text == "");
  CHECK(normalized(R"({"type":"Strip","strip_left":false,"strip_right":true})", " a ").text == " a");
  CHECK(normalized(R"({"type":"Sequence","normalizers":[)" + kStrip + "," + kPrepend + "," + kReplace + "]}", " a b")
            .text == "_a_b");
  CHECK(Normalizer()("e\u0301 ").text == "e\u0301 ");
}

TEST_CASE("A normalized text says whether its first character was removed") {
  CHECK(normalized(kStrip, "a ").has_start);
  CHECK(!normalized(kStrip, " a").has_start);
  CHECK(normalized(kReplace, " a").has_start);
  const std::string removes = R"({"type":"Replace","pattern":{"String":"a"},"content":""})";
  CHECK(!normalized(removes, "ab").has_start);
  CHECK(normalized(removes, "ba").has_start);
}

TEST_CASE("Normalizers of other kinds are errors that name the field") {
  const auto refused = [](const std::string& json) { return error_of([&] { normalized(json, ""); }); };
  CHECK(refused(R"({"type":"Lowercase"})") ==
        "file: field type: expected Sequence, NFC, Prepend, Replace or Strip, found \"Lowercase\"");
  CHECK(refused(R"({"type":"Replace","pattern":{"Regex":"a+"},"content":""})") ==
        "file: field pattern: expected {\"String\": TEXT}, found {\"Regex\":\"a+\"}");
  CHECK(!refused(R"({"type":"Replace","pattern":{"String":""},"content":""})").empty());
  CHECK(refused(R"({"type":"NFC","form":"D"})") == "file: field form: expected no field but type, found \"D\"");
}
