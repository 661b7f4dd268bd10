#include <kvx/press/registry.hpp>

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <tuple>

#include "support/error_of.hpp"
#include "support/layer.hpp"

using namespace kvx;

namespace {
struct Last {
  static constexpr std::string_view name = "last", paper = "";
  static constexpr auto parameters() { return std::tuple(); }
  Needs needs() const { return {}; }
  void score(const PressInput&, const Budget&, Scores out) const {
    out.setZero();
    out.rightCols(1).setOnes();
  }
};

std::string refused(std::string_view text) {
  return error_of([&] { Registry().parse(text); });
}

const std::string kNames =
    " There are: none, random, knorm, streaming_llm, snapkv, expected_attention, tova, observed_attention";

/// Another value than the default, that every policy accepts: kernels stay odd.
std::string changed(const std::string& value) {
  if (value == "true") return "false";
  if (value == "false") return "true";
  return value == "none" ? "7" : std::to_string(std::stoi(value) + 2);
}
}  // namespace

TEST_CASE("every entry parses by its name, and its written form is that name") {
  const Registry registry;
  CHECK(registry.entries().size() == std::tuple_size_v<Policies>);
  for (const auto& entry : registry.entries()) CHECK(registry.parse(entry.name).written() == entry.name);
}

TEST_CASE("the written form of every entry comes back with every parameter changed, one by one and together") {
  const Registry registry;
  for (const auto& entry : registry.entries()) {
    std::string all;
    for (const auto& parameter : entry.defaults) {
      const std::string argument = std::string(parameter.name) + "=" + changed(parameter.value);
      const std::string text = std::string(entry.name) + "(" + argument + ")";
      CHECK(registry.parse(text).written() == text);
      CHECK(registry.parse(std::string(entry.name) + "(" + std::string(parameter.name) + "=" + parameter.value + ")")
                .written() == entry.name);
      all += (all.empty() ? "" : ", ") + argument;
    }
    if (all.empty()) continue;
    const std::string text = std::string(entry.name) + "(" + all + ")";
    CHECK(registry.parse(text).written() == text);
  }
}

TEST_CASE("case, underscores, a final Press and kvpress's parameter names are accepted") {
  const auto written = [](std::string_view text) { return Registry().parse(text).written(); };
  CHECK(written("SnapKVPress(window_size=32, kernel_size=7)") == "snapkv(window=32, kernel=7)");
  CHECK(written("StreamingLLMPress(n_sink=2)") == "streaming_llm(sinks=2)");
  CHECK(written("ExpectedAttentionPress(n_future_positions=8, n_sink=2, use_covariance=False, use_vnorm=False, "
                "epsilon=0.5)") == "expected_attention(future=8, sinks=2, covariance=false, vnorm=false, epsilon=0.5)");
  CHECK(written("RandomPress(seed=None)") == "random");
  CHECK(written("TOVAPress") == "tova");
  CHECK(written("observedattention") == "observed_attention");
  CHECK(written("K_Norm") == "knorm");
}

TEST_CASE("a typing mistake gets the nearest name and the list of what exists") {
  const auto meant = [](const std::string& found, const std::string& name) {
    CHECK(refused(found) ==
          "press '" + found + "': unknown press '" + found + "'; did you mean " + name + "?" + kNames);
  };
  meant("snapk", "snapkv");
  meant("expected_atention", "expected_attention");
  meant("SnapKPress", "snapkv");
  meant("noen", "none");
  CHECK(refused("quantizer") ==
        "press 'quantizer': unknown press 'quantizer'; there are:" + kNames.substr(kNames.find(':') + 1));
  CHECK(refused("snapkv(windw=3)") ==
        "press 'snapkv(windw=3)': unknown parameter 'windw'; did you mean window? There are: window, kernel");
  CHECK(refused("tova(window=3)") == "press 'tova(window=3)': unknown parameter 'window'; there are none");
}

TEST_CASE("a parameter out of its range is an error") {
  CHECK(refused("snapkv(window=0)") == "snapkv: window: expected 1 or more, found 0");
  CHECK(refused("snapkv(kernel=4)") == "snapkv: kernel: expected an odd number, found 4");
  CHECK(refused("streaming_llm(sinks=-1)") == "streaming_llm: sinks: expected 0 or more, found -1");
  CHECK(refused("expected_attention(future=0)") == "expected_attention: future: expected 1 or more, found 0");
}

TEST_CASE("every error text is one line, whatever was written") {
  for (const std::string text : {"snap\nkv", "snapkv(win\ndow=3)", "snapkv(window=\r\n3x)", "a\tb", "\x1b[31m", "(\n)",
                                 "snapkv(\n", "none(\n=\n)"}) {
    const std::string message = refused(text);
    CAPTURE(message);
    CHECK_FALSE(message.empty());
    CHECK(message.find_first_of("\n\r\t\x1b") == std::string::npos);
  }
}

TEST_CASE("a policy of somebody else is added once and used by its name") {
  Registry registry;
  registry.add<Last>();
  CHECK(registry.entries().back().name == "last");
  const kvx_test::Layer layer(1, 1, 5, 2);
  CHECK(registry.parse("last").select(layer.input(), Allowance::of_tokens(1)) == Kept{{4}});
  CHECK(error_of([&] { registry.add<Last>(); }) == "press last: there is one of this name");
  CHECK(error_of([&] { registry.add<SnapKV>(); }) == "press snapkv: there is one of this name");
}
