#include <kvx/core/near_miss.hpp>

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

using kvx::edit_distance;
using kvx::near_miss;

TEST_CASE("the distance counts insertions, deletions, replacements and swaps of neighboring characters") {
  CHECK(edit_distance("snapkv", "snapkv") == 0);
  CHECK(edit_distance("snapk", "snapkv") == 1);
  CHECK(edit_distance("snaapkv", "snapkv") == 1);
  CHECK(edit_distance("snabkv", "snapkv") == 1);
  CHECK(edit_distance("snpakv", "snapkv") == 1);
  CHECK(edit_distance("kitten", "sitting") == 3);
  CHECK(edit_distance("", "tova") == 4);
  CHECK(edit_distance("tova", "") == 4);
}

TEST_CASE("a hint has the most similar name and all known names") {
  const std::vector<std::string_view> names = {"none", "knorm", "snapkv"};
  CHECK(near_miss("snapk", names) == "; did you mean snapkv? Known names: none, knorm, snapkv");
  CHECK(near_miss("h2o_with_a_twist", names) == "; known names: none, knorm, snapkv");
  CHECK(near_miss("x", {}) == "; there are none");
}

TEST_CASE("of two equally similar names, the first is suggested") {
  CHECK(near_miss("toba", std::vector<std::string_view>{"tova", "tora"}).starts_with("; did you mean tova?"));
}

TEST_CASE("a very long unknown name is compared quickly") {
  CHECK(near_miss(std::string(10'000'000, 'x'), std::vector<std::string_view>{"tova"}) == "; known names: tova");
}
