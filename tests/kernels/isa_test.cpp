#include <kvx/kernels/isa.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <string>

#include "support/error_of.hpp"

using kvx::Isa;

TEST_CASE("the portable path is always there, and paths are listed from slow to fast") {
  const auto isas = kvx::available_isas();
  REQUIRE_FALSE(isas.empty());
  CHECK(isas.front() == Isa::portable);
  CHECK(std::is_sorted(isas.begin(), isas.end()));
  CHECK(std::adjacent_find(isas.begin(), isas.end()) == isas.end());
}

TEST_CASE("the chosen path is the fastest, or the one that KVX_ISA names") {
  const char* wanted = std::getenv("KVX_ISA");
  CHECK(name_of(kvx::isa()) == (wanted != nullptr ? std::string(wanted) : name_of(kvx::available_isas().back())));
}

TEST_CASE("each path has its name") {
  CHECK(name_of(Isa::portable) == "portable");
  CHECK(name_of(Isa::avx2) == "avx2");
  CHECK(name_of(Isa::avx512) == "avx512");
}
