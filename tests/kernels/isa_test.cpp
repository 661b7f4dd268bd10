#include <kvx/kernels/isa.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <string>

using kvx::Isa;

TEST_CASE("the portable path is always available, and each path is listed once, in the order of Isa") {
  const auto& isas = kvx::available_isas();
  REQUIRE_FALSE(isas.empty());
  CHECK(isas.front() == Isa::portable);
  CHECK(std::is_sorted(isas.begin(), isas.end()));
  CHECK(std::adjacent_find(isas.begin(), isas.end()) == isas.end());
  CHECK(&kvx::available_isas() == &isas);
}

TEST_CASE("the default is amx if the CPU has it, otherwise the widest path that does not round rows") {
  const Isa chosen = kvx::default_isa();
  const auto& isas = kvx::available_isas();
  CHECK(std::find(isas.begin(), isas.end(), chosen) != isas.end());
  CHECK((chosen == Isa::amx) == (isas.back() == Isa::amx));
  if (chosen == Isa::amx) return;
  CHECK_FALSE(rounds_rows(chosen));
  for (const Isa newer : isas)
    if (newer > chosen) CHECK(rounds_rows(newer));
}

TEST_CASE("the chosen path is the default, or the one that KVX_ISA names") {
  const char* wanted = std::getenv("KVX_ISA");
  CHECK(name_of(kvx::isa()) == (wanted != nullptr ? std::string(wanted) : name_of(kvx::default_isa())));
}

TEST_CASE("each path has a name") {
  CHECK(name_of(Isa::portable) == "portable");
  CHECK(name_of(Isa::neon) == "neon");
  CHECK(name_of(Isa::avx2) == "avx2");
  CHECK(name_of(Isa::avx512) == "avx512");
  CHECK(name_of(Isa::avx512bf16) == "avx512bf16");
  CHECK(name_of(Isa::amx) == "amx");
}
