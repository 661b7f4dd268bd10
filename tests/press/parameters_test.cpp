#include <kvx/press/named/parameters.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>

#include "support/error_of.hpp"

using namespace kvx;

namespace {
struct Sample {
  static constexpr std::string_view name = "sample";
  int count = 3;
  bool flag = true;
  double share = 0.5;
  std::optional<std::uint64_t> seed = {};
  static constexpr auto parameters() {
    return std::tuple(Parameter{"count", &Sample::count, "n_count"}, Parameter{"flag", &Sample::flag},
                      Parameter{"share", &Sample::share}, Parameter{"seed", &Sample::seed});
  }
  void validate() const {
    if (count < 0) throw Error("sample: count", "expected 0 or more, found " + std::to_string(count));
  }
};

Sample made(std::string_view text) {
  return make_policy<Sample>(parse_written(text), [](std::string_view) { return 0; });
}
std::string refused(std::string_view text) {
  return error_of([&] { made(text); });
}
}  // namespace

TEST_CASE("parameters are listed as text, in their order") {
  const auto all = parameters_of(Sample{.share = 0.1});
  REQUIRE(all.size() == 4);
  CHECK(all[0].name == "count");
  CHECK(all[0].value == "3");
  CHECK(all[1].value == "true");
  CHECK(all[2].value == "0.1");
  CHECK(all[3].name == "seed");
  CHECK(all[3].value == "none");
}

TEST_CASE("the written form has the parameters that differ from their defaults") {
  CHECK(written_form(Sample()) == "sample");
  CHECK(written_form(Sample{.count = 4}) == "sample(count=4)");
  CHECK(written_form(Sample{.flag = false, .share = 1e-300, .seed = ~std::uint64_t{0}}) ==
        "sample(flag=false, share=1e-300, seed=18446744073709551615)");
}

TEST_CASE("arguments of every type are parsed, by kvx's or kvpress's names, in any order") {
  const Sample sample = made("sample(seed=18446744073709551615, share=0.25, flag=false, n_count=-0)");
  CHECK(sample.count == 0);
  CHECK_FALSE(sample.flag);
  CHECK(sample.share == 0.25);
  CHECK(sample.seed == ~std::uint64_t{0});
  CHECK_FALSE(made("sample(flag=False)").flag);
  CHECK_FALSE(made("sample(flag=0)").flag);
  CHECK(made("sample(flag=True)").flag);
  CHECK(made("sample(flag=1)").flag);
  CHECK_FALSE(made("sample(seed=none)").seed);
  CHECK_FALSE(made("sample(seed=None)").seed);
  CHECK(made("sample").count == 3);
}

TEST_CASE("the error for a value of the wrong type has the parameter, the expected type and the text") {
  CHECK(refused("sample(count=x)") == "press 'sample(count=x)': count: expected an integer, found 'x'");
  for (const auto* value : {"1.5", "", "1 2", "0x10", "99999999999", "none", "true"})
    CHECK(refused("sample(count=" + std::string(value) + ")").find("count: expected an integer, found '") !=
          std::string::npos);
  CHECK(refused("sample(flag=yes)") == "press 'sample(flag=yes)': flag: expected true or false, found 'yes'");
  CHECK(refused("sample(share=half)") == "press 'sample(share=half)': share: expected a number, found 'half'");
  for (const auto* value : {"nan", "inf", "-inf", "1e999"})
    CHECK(refused("sample(share=" + std::string(value) + ")").find("share: expected a number, found '") !=
          std::string::npos);
  CHECK(refused("sample(seed=-1)") == "press 'sample(seed=-1)': seed: expected an integer or none, found '-1'");
}

TEST_CASE("a parameter that is given twice is an error") {
  CHECK(refused("sample(count=1, count=1)") == "press 'sample(count=1, count=1)': count: expected once, found twice");
}

TEST_CASE("an unknown parameter is an error with the nearest name") {
  CHECK(
      refused("sample(cuont=1)") ==
      "press 'sample(cuont=1)': unknown parameter 'cuont'; did you mean count? Known names: count, flag, share, seed");
  CHECK(refused("sample(=1)").find("unknown parameter ''") != std::string::npos);
}

TEST_CASE("validate() is called after all arguments have been parsed") {
  CHECK(refused("sample(count=-1)") == "sample: count: expected 0 or more, found -1");
}
