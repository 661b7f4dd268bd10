#include <kvx/text/lower_case.hpp>

#include <doctest/doctest.h>

using namespace kvx;

TEST_CASE("Characters of any alphabet become lower case, and bytes that are not UTF-8 do not change") {
  CHECK(lower_case("ABC xyz 12") == "abc xyz 12");
  CHECK(lower_case("ÉÀÖ ΣΩ ЖЯ Ⅷ ß") == "éàö σω жя ⅷ ß");
  CHECK(lower_case("A\xff\xc3") == "a\xff\xc3");
}
