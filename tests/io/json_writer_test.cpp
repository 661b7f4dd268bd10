#include <kvx/io/json/json_writer.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <limits>
#include <string>

#include "support/json_of.hpp"

using kvx::JsonWriter;

TEST_CASE("Objects and arrays get commas between their values") {
  JsonWriter out;
  out.begin_object()
      .key("a")
      .value(1)
      .key("b")
      .begin_array()
      .value("x")
      .begin_array()
      .end_array()
      .begin_object()
      .end_object();
  out.value(true).null().raw("[0]").end_array().key("c").value(false).end_object();
  CHECK(out.text() == R"({"a":1,"b":["x",[],{},true,null,[0]],"c":false})");
}

TEST_CASE("Strings are escaped and read back the same") {
  std::string all;
  for (int c = 0; c < 128; ++c) all += static_cast<char>(c);
  all += "\u00e9\u4e2d\U0001F600";
  JsonWriter out;
  out.value(all);
  CHECK(*json_of(out.text()).string() == all);
  CHECK(out.text().find("\\u001f") != std::string::npos);
  CHECK(out.text().find("\\n") != std::string::npos);
  CHECK(out.text().find("\u00e9") != std::string::npos);
}

TEST_CASE("A lone surrogate is escaped and reads back the same") {
  const std::string texts[] = {"a\xed\xa0\x80", "\xed\xbf\xbfz", "\xed\x9f\xbf"};  // the last is not a surrogate
  for (const std::string& text : texts) {
    JsonWriter out;
    out.value(text);
    CHECK((out.text().find("\\ud") != std::string::npos) == (&text != &texts[2]));
    CHECK(*json_of(out.text()).string() == text);
  }
}

TEST_CASE("Numbers are written exactly, with the fewest digits, and infinity as null") {
  JsonWriter out;
  out.begin_array().value(0.1).value(1e300).value(2.0).value(std::numeric_limits<std::int64_t>::min());
  out.value(std::numeric_limits<std::uint64_t>::max())
      .value(std::numeric_limits<double>::infinity())
      .value(-0.5)
      .end_array();
  CHECK(out.text() == "[0.1,1e+300,2,-9223372036854775808,18446744073709551615,null,-0.5]");
}
