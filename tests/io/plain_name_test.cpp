#include <kvx/io/plain_name.hpp>

#include <doctest/doctest.h>

#include <string_view>

TEST_CASE("a plain name cannot leave its folder") {
  for (const std::string_view name : {"model-00001-of-00002.safetensors", "Qwen2.5-0.5B_x", "a"}) {
    CHECK(kvx::detail::is_plain_name(name));
  }
  for (const std::string_view name : {"", ".", "..", ".a", "a..b", "a/b", "/a", "a\\b", "a b", "a\n"}) {
    CHECK_FALSE(kvx::detail::is_plain_name(name));
  }
  CHECK_FALSE(kvx::detail::is_plain_name(std::string_view("a\0b", 3)));
}
