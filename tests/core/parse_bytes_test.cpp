#include <kvx/core/parse_bytes.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <string>

#include "support/error_of.hpp"

using namespace kvx;

TEST_CASE("A size is a number of bytes, or a number followed by K, M, G or T") {
  CHECK(parse_bytes("1") == 1);
  CHECK(parse_bytes("4096") == 4096);
  CHECK(parse_bytes("3K") == 3072);
  CHECK(parse_bytes("500M") == std::size_t{500} << 20);
  CHECK(parse_bytes("4G") == std::size_t{4} << 30);
  CHECK(parse_bytes("2T") == std::size_t{2} << 40);
  CHECK(parse_bytes("8388607T") == std::size_t{8388607} << 40);
  CHECK(parse_bytes("9223372036854775807") == 9223372036854775807u);
}

TEST_CASE("Any other text throws an error that shows the text") {
  for (const std::string text : {"",
                                 "0",
                                 "0G",
                                 "G",
                                 "-1",
                                 "+1",
                                 "-1G",
                                 "4g",
                                 "4GB",
                                 "4 G",
                                 " 4G",
                                 "4G ",
                                 "4.5G",
                                 "1e9",
                                 "0x10",
                                 "4P",
                                 "four",
                                 "8388608T",
                                 "9223372036854775808",
                                 "99999999999999999999"}) {
    CAPTURE(text);
    CHECK(error_of([&] { parse_bytes(text); }) == "memory: expected a size such as 500M or 4G, found '" + text + "'");
  }
  CHECK(error_of([] { parse_bytes(std::string("4\0", 2)); }) != "");
}
