#include <kvx/text/code_points.hpp>

#include <doctest/doctest.h>

using namespace kvx;

TEST_CASE("A text becomes code points, with U+FFFD for bytes that are not UTF-8") {
  CHECK(code_points("a\u00e9\u4e2d\U0001F600") == U"a\u00e9\u4e2d\U0001F600");
  CHECK(code_points("a\xff\xe4\xb8z\xed\xa0\x80") == U"a\uFFFD\uFFFDz\uFFFD\uFFFD\uFFFD");
  CHECK(code_points("").empty());
  CHECK(utf8_of(U"a\u00e9\u4e2d\U0001F600") == "a\u00e9\u4e2d\U0001F600");
}
