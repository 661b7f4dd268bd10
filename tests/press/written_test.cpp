#include <kvx/press/named/written.hpp>

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

#include "support/error_of.hpp"

using kvx::canonical_press_name;
using kvx::parse_written;
using kvx::split_presses;
using Texts = std::vector<std::string_view>;

TEST_CASE("a written form is a name with or without arguments and spaces") {
  CHECK(parse_written("snapkv").name == "snapkv");
  CHECK(parse_written("snapkv").arguments.empty());
  CHECK(parse_written("snapkv()").arguments.empty());
  for (const auto* text : {"snapkv(window=32,kernel=7)", "  snapkv ( window = 32 , kernel=7 ) "}) {
    const auto written = parse_written(text);
    CHECK(written.name == "snapkv");
    REQUIRE(written.arguments.size() == 2);
    CHECK(written.arguments[0].first == "window");
    CHECK(written.arguments[0].second == "32");
    CHECK(written.arguments[1].first == "kernel");
    CHECK(written.arguments[1].second == "7");
  }
}

TEST_CASE("the error for a text that is not a written form shows the text") {
  const auto expect = [](const char* text, const std::string& found) {
    CHECK(error_of([&] { parse_written(text); }) ==
          "press '" + std::string(text) + "': expected name, name(parameter=value, ...) or name(press, ...), found " +
              found);
  };
  expect("", "no name");
  expect("  ", "no name");
  expect("(window=1)", "no name");
  expect("snapkv(window=1", "no closing parenthesis at the end");
  expect("snapkv(window=1) x", "no closing parenthesis at the end");
  expect("snapkv)", "'snapkv)' as a name");
  expect("snap kv", "'snap kv' as a name");
  expect("snapkv, tova", "'snapkv, tova' as a name");
  expect("knorm+", "no name");
  expect("ada(window=1, snapkv)", "'snapkv' without '='");
  expect("snapkv(window=1,)", "'' without '='");
}

TEST_CASE("wrapped presses come before the arguments, or before a plus") {
  const auto ada = parse_written("composed(snapkv(window=32), a+b, ratios=[0.1, 0.2])");
  CHECK(ada.name == "composed");
  CHECK(ada.inner == Texts{"snapkv(window=32)", "a+b"});
  REQUIRE(ada.arguments.size() == 1);
  CHECK(ada.arguments[0].second == "[0.1, 0.2]");
  const auto stored = parse_written(" ada(snapkv+x) + y + int4( group = 64 ) ");
  CHECK(stored.name == "int4");
  CHECK(stored.inner == Texts{"ada(snapkv+x) + y"});
  REQUIRE(stored.arguments.size() == 1);
  CHECK(stored.arguments[0].first == "group");
}

TEST_CASE("a list is split at the commas that are not inside parentheses") {
  CHECK(split_presses("none, snapkv(window=32, kernel=7),tova") ==
        Texts{"none", "snapkv(window=32, kernel=7)", "tova"});
  CHECK(split_presses("a(b(c, d), e), f") == Texts{"a(b(c, d), e)", "f"});
  CHECK(split_presses("none") == Texts{"none"});
  CHECK(split_presses("none,") == Texts{"none", ""});
}

TEST_CASE("case, underscores and a final Press do not matter") {
  for (const auto* name : {"snapkv", "SnapKV", "SnapKVPress", "snap_kv_press", "SNAPKV"})
    CHECK(canonical_press_name(name) == "snapkv");
  CHECK(canonical_press_name("StreamingLLMPress") == canonical_press_name("streaming_llm"));
  CHECK(canonical_press_name("pressed") == "pressed");
}
