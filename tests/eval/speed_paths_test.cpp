#include <kvx/eval/speed/speed_paths.hpp>

#include <doctest/doctest.h>

#include <vector>

#include "support/error_of.hpp"

using namespace kvx;

TEST_CASE("paths are read from a list of names, or from the word all") {
  CHECK(parse_paths("all") == available_isas());
  CHECK(parse_paths("portable") == std::vector{Isa::portable});
  CHECK(parse_paths("portable,portable") == std::vector{Isa::portable, Isa::portable});
  for (const char* wrong : {"", "portable,", "portable,fast", "amx512"}) {
    CAPTURE(wrong);
    CHECK(error_of([&] { parse_paths(wrong); }).starts_with("paths: expected all, portable"));
  }
}
