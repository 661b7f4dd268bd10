#include <kvx/core/near_miss.hpp>

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

using kvx::edit_distance;
using kvx::near_miss;

TEST_CASE("the distance counts insertions, deletions, replacements and swaps of neighbors") {
  CHECK(edit_distance("snapkv", "snapkv") == 0);
  CHECK(edit_distance("snapk", "snapkv") == 1);
  CHECK(edit_distance("snaapkv", "snapkv") == 1);
  CHECK(edit_distance("snabkv", "snapkv") == 1);
  CHECK(edit_distance("snpakv", "snapkv") == 1);
  CHECK(edit_distance("kitten", "sitting") == 3);
  CHECK(edit_distance("", "tova") == 4);
  CHECK(edit_distance("tova", "") == 4);
}

TEST_CASE("a hint names the nearest name and all that exist") {
  const std::vector<std::string_view> names = {"none", "knorm", "snapkv"};
  CHECK(near_miss("snapk", names) == "; did you mean snapkv? There are: none, knorm, snapkv");
  CHECK(near_miss("h2o_with_a_twist", names) == "; there are: none, knorm, snapkv");
  CHECK(near_miss("x", {}) == "; there are none");
}

TEST_CASE("of two names equally near the first is meant") {
  CHECK(near_miss("toba", std::vector<std::string_view>{"tova", "tora"}).starts_with("; did you mean tova?"));
}

TEST_CASE("a very long wrong name costs no time") {
  CHECK(near_miss(std::string(10'000'000, 'x'), std::vector<std::string_view>{"tova"}) == "; there are: tova");
}
