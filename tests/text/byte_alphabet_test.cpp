#include <kvx/text/byte_alphabet.hpp>

#include <doctest/doctest.h>

#include <set>
#include <string>

using namespace kvx;

TEST_CASE("Each byte is written as a different character") {
  std::set<std::string> seen;
  for (int b = 0; b < 256; ++b) {
    const std::string written = byte_level_character(static_cast<unsigned char>(b));
    seen.insert(written);
    CHECK(byte_level_bytes(written) == std::string(1, static_cast<char>(b)));
  }
  CHECK(seen.size() == 256);
  CHECK(byte_level_character(' ') == "\u0120");
  CHECK(byte_level_character('\n') == "\u010a");
  CHECK(byte_level_character('A') == "A");
  CHECK(byte_level_character(0xAD) == "\u0143");
}

TEST_CASE("A token with a character outside the alphabet is its own bytes") {
  CHECK(byte_level_bytes("\u0120the") == " the");
  for (const char* text : {"two words", "\u0144", "\u0120\u4e2d", "\xC4", "\xFF"})
    CHECK(byte_level_bytes(text) == text);
}
