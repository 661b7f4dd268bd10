#include <doctest/doctest.h>
#include <kvx/io/mapped_file.hpp>
#include <kvx/press/named/registry.hpp>

#include <string>

TEST_CASE("the table in docs/presses.md has every press, with its parameters and its paper") {
  const kvx::MappedFile page(KVX_SOURCE_DIR "/docs/presses.md");
  const kvx::Registry registry = kvx::kvx_presses();
  for (const auto& entry : registry.entries()) {
    CAPTURE(entry.name);
    const auto row = page.text().find("\n| `" + std::string(entry.name) + "` |");
    REQUIRE(row != std::string::npos);
    const auto text = page.text().substr(row + 1, page.text().find('\n', row + 1) - row - 1);
    for (const auto& parameter : entry.defaults) CHECK(text.find(parameter.name) != std::string::npos);
    CHECK(text.find(entry.paper.substr(entry.paper.find(':') + 1)) != std::string::npos);
  }
}

TEST_CASE("the README names every press") {
  const kvx::MappedFile page(KVX_SOURCE_DIR "/README.md");
  const kvx::Registry registry = kvx::kvx_presses();
  for (const auto& entry : registry.entries()) {
    CAPTURE(entry.name);
    CHECK(page.text().find("`" + std::string(entry.name) + "`") != std::string::npos);
  }
}
