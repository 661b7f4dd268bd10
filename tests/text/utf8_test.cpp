#include <kvx/text/utf8.hpp>

#include <doctest/doctest.h>

#include "support/error_of.hpp"

using namespace kvx;
using namespace std::string_literals;

TEST_CASE("UTF-8 is checked, and the error names the first invalid byte") {
  check_utf8("a\u00e9\u4e2d\U0001F600\uFFFF\0b"s, "text");
  CHECK(error_of([] { check_utf8("ab\xC3(", "text"); }) == "text: expected UTF-8, found an invalid byte at 2");
  const auto bad = {"\x80"s,
                    "\xC0\x80"s,
                    "\xE0\x9F\xBF"s,
                    "\xED\xA0\x80"s,
                    "\xF0\x8F\xBF\xBF"s,
                    "\xF4\x90\x80\x80"s,
                    "\xF5\x80\x80\x80"s,
                    "\xFF"s,
                    "\xE4\xB8"s,
                    "\xC3"s};
  for (const std::string& text : bad) {
    CAPTURE(text.size());
    CHECK(!error_of([&] { check_utf8(text, "text"); }).empty());
  }
}

TEST_CASE("The bytes that may begin a character become one U+FFFD") {
  auto taken = [](std::string bytes) { return take_utf8(bytes); };
  CHECK(taken("a\xE4\xB8z") == "a\uFFFDz");
  CHECK(taken("\xED\xA0\x80.") == "\uFFFD\uFFFD\uFFFD.");  // a surrogate: its bytes cannot begin a character
  CHECK(taken("\xF0\x9F\x98\xF0\x9F\x98\x80") == "\uFFFD\U0001F600");
}

TEST_CASE("A character whose end is missing is not removed") {
  std::string bytes = "x\xF0\x9F\x98";
  CHECK(take_utf8(bytes) == "x");
  CHECK(bytes == "\xF0\x9F\x98");
  bytes += '\x80';
  CHECK(take_utf8(bytes) == "\U0001F600");
  CHECK(bytes.empty());
}
