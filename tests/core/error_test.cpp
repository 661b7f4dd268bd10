#include <doctest/doctest.h>
#include <kvx/core/error.hpp>

#include <string>

TEST_CASE("an error is one line, whatever the names in it hold") {
  CHECK(std::string(kvx::Error("a\nfile", "found \x1b[31m\x7f").what()) == "a?file: found ?[31m?");
}

TEST_CASE("what is not applicable can be told from a failure and caught as one") {
  CHECK_THROWS_AS(throw kvx::NotApplicable("snapkv", "too short"), kvx::Error);
}
