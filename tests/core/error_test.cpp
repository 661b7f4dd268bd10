#include <doctest/doctest.h>
#include <kvx/core/error.hpp>

#include <string>

TEST_CASE("an error is one line, even if its text has control characters") {
  CHECK(std::string(kvx::Error("a\nfile", "found \x1b[31m\x7f").what()) == "a?file: found ?[31m?");
}

TEST_CASE("NotApplicable can be caught as Error") {
  CHECK_THROWS_AS(throw kvx::NotApplicable("snapkv", "too short"), kvx::Error);
}
