#include <doctest/doctest.h>
#include <kvx/core/hash.hpp>

TEST_CASE("FNV-1a gives its published values, and a seed chains texts") {
  CHECK(kvx::fnv1a("") == 0xcbf29ce484222325);
  CHECK(kvx::fnv1a("a") == 0xaf63dc4c8601ec8c);
  CHECK(kvx::fnv1a("foobar") == 0x85944171f73967e8);
  CHECK(kvx::fnv1a("bar", kvx::fnv1a("foo")) == kvx::fnv1a("foobar"));
}
