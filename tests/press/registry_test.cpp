#include <kvx/press/named/policies.hpp>
#include <kvx/press/named/registry.hpp>

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

std::string refused_text(std::string_view text) {
  return error_of([&] { kvx_presses().parse(text); });
}

const std::string kNames = [] {
  std::string names = " Known names: ";
  const Registry registry = kvx_presses();
  for (const auto& entry : registry.entries())
    names.append(&entry == registry.entries().data() ? "" : ", ").append(entry.name);
  return names;
}();

Matrix<float> any_file(const std::string&, const std::string&) { return Matrix<float>::Zero(1, 1); }

/// A value other than the default that every policy accepts: kernels are odd, residuals are multiples of groups.
std::string changed(std::string_view parameter, const std::string& value) {
  if (value == "true") return "false";
  if (value == "false") return "true";
  if (parameter == "file") return "other.safetensors";
  if (parameter == "leverage") return "key";
  if (parameter == "defense") return "20:30";
  if (parameter == "instructions") return "30:41";
  if (parameter == "span") return "5:9";
  if (parameter == "ratios") return "[0.5, 0.25]";
  if (parameter == "group") return "64";
  if (parameter == "residual") return "256";
  if (parameter == "keys") return "per_token";
  if (value == "none") return parameter == "seed" || parameter == "chunk" ? "7" : "0.25";
  if (value.find('.') != std::string::npos || value == "0" || value == "1" || value.find('e') != std::string::npos)
    return parameter == "sinks" || parameter == "last" || (parameter == "first" && value == "0") ? "7" : "0.125";
  return std::to_string(std::stoi(value) + 2);
}

/// The arguments without which a press is not parsed.
std::string required(std::string_view press) {
  if (press == "qfilter" || press == "duo_attention") return "file=filters.safetensors";
  if (press == "fair") return "defense=0:9, instructions=9:30";
  if (press == "dms") return "threshold=0.5";
  if (press == "per_layer") return "ratios=[0.1]";
  if (press == "composed") return "ratios=[0.1, 0.2]";
  return "";
}

/// The presses inside the parentheses of a written form.
std::string wrapped(const Registry::Entry& entry) {
  if (entry.name == "prefill_decoding") return "snapkv, decoding(knorm)";
  if (entry.wraps == "press") return "knorm";
  return entry.wraps.empty() ? "" : "knorm, snapkv";
}

/// The written form of a press with these arguments; a quantizer is written after a press and a plus.
std::string text_of(const Registry::Entry& entry, const std::string& arguments) {
  const bool follows = entry.name.starts_with("int");
  std::string inside = follows ? "" : wrapped(entry);
  if (!arguments.empty()) inside += (inside.empty() ? "" : ", ") + arguments;
  return (follows ? "knorm+" : "") + std::string(entry.name) + (inside.empty() ? "" : "(" + inside + ")");
}
}  // namespace

TEST_CASE("every registered press is parsed, and its written form is the parsed text") {
  const Registry registry = kvx_presses();
  CHECK(registry.entries().size() == std::tuple_size_v<Policies::List>);
  for (const auto& entry : registry.entries()) {
    const std::string text = text_of(entry, required(entry.name));
    CHECK(registry.parse(text, {{}, any_file}).written() == text);
  }
}

TEST_CASE("every registered press keeps its written form, with each parameter changed and with all of them changed") {
  const Registry registry = kvx_presses();
  for (const auto& entry : registry.entries()) {
    std::string all;
    for (const auto& parameter : entry.defaults) {
      const std::string argument = std::string(parameter.name) + "=" + changed(parameter.name, parameter.value);
      all += (all.empty() ? "" : ", ") + argument;
      if (!required(entry.name).empty()) continue;
      const std::string text = text_of(entry, argument);
      CHECK(registry.parse(text, {{}, any_file}).written() == text);
      CHECK(registry.parse(text_of(entry, std::string(parameter.name) + "=" + parameter.value)).written() ==
            text_of(entry, ""));
    }
    if (all.empty()) continue;
    const std::string text = text_of(entry, all);
    CHECK(registry.parse(text, {{}, any_file}).written() == text);
  }
}

TEST_CASE("an adapter refuses a press that it cannot wrap, and says what it expected") {
  CHECK(refused_text("decoding(kvzip)") == "press 'decoding(kvzip)': decoding cannot wrap kvzip");
  CHECK(refused_text("ada(snapkv+int4)") == "press 'ada(snapkv+int4)': ada cannot wrap int4");
  CHECK(refused_text("int8+int4").find("expected a press that does not quantize, found int8") != std::string::npos);
  CHECK(refused_text("ada(pyramidkv)").find("expected a press that only scores, found pyramidkv") != std::string::npos);
  CHECK(refused_text("decoding(expected_attention)").find("found expected_attention") != std::string::npos);
  CHECK(refused_text("composed(ada(knorm), knorm)").find("found ada(knorm)") != std::string::npos);
  CHECK(refused_text("ada(snapk)") == "press 'snapk': unknown press 'snapk'; did you mean snapkv?" + kNames);
  CHECK(refused_text("ada") == "press 'ada': expected one press in parentheses, such as ada(snapkv), found 0");
}

TEST_CASE("a quantizer is written after the press that it wraps, or as its name only") {
  const auto written = [](std::string_view text) { return kvx_presses().parse(text).written(); };
  CHECK(written("ada( snapkv ) + int4") == "ada(snapkv)+int4");
  CHECK(written("int4(knorm)") == "knorm+int4");
  CHECK(written("none+int2") == "int2");
  CHECK(written("prefill_decoding(knorm, decoding(keydiff)) + int8(group=16, residual=32)") ==
        "prefill_decoding(knorm, decoding(keydiff))+int8(group=16, residual=32)");
}

TEST_CASE("case, underscores, a final Press and kvpress's parameter names are accepted") {
  const auto written = [](std::string_view text) { return kvx_presses().parse(text).written(); };
  CHECK(written("SnapKVPress(window_size=32, kernel_size=7)") == "snapkv(window=32, kernel=7)");
  CHECK(written("StreamingLLMPress(n_sink=2)") == "streaming_llm(sinks=2)");
  CHECK(written("ExpectedAttentionPress(n_future_positions=8, n_sink=2, use_covariance=False, use_vnorm=False, "
                "epsilon=0.5)") == "expected_attention(future=8, sinks=2, covariance=false, vnorm=false, epsilon=0.5)");
  CHECK(written("RandomPress(seed=None)") == "random");
  CHECK(written("TOVAPress") == "tova");
  CHECK(written("observedattention") == "observed_attention");
  CHECK(written("K_Norm") == "knorm");
}

TEST_CASE("the error for an unknown name proposes the nearest name and lists all") {
  const auto meant = [](const std::string& found, const std::string& name) {
    CHECK(refused_text(found) ==
          "press '" + found + "': unknown press '" + found + "'; did you mean " + name + "?" + kNames);
  };
  meant("snapk", "snapkv");
  meant("expected_atention", "expected_attention");
  meant("SnapKPress", "snapkv");
  meant("noen", "none");
  CHECK(refused_text("quantizer") ==
        "press 'quantizer': unknown press 'quantizer'; known names:" + kNames.substr(kNames.find(':') + 1));
  CHECK(refused_text("snapkv(windw=3)") ==
        "press 'snapkv(windw=3)': unknown parameter 'windw'; did you mean window? Known names: window, kernel");
  CHECK(refused_text("tova(window=3)") == "press 'tova(window=3)': unknown parameter 'window'; there are none");
}

TEST_CASE("a parameter out of its range is an error") {
  CHECK(refused_text("snapkv(window=0)") == "snapkv: window: expected 1 or more, found 0");
  CHECK(refused_text("snapkv(kernel=4)") == "snapkv: kernel: expected an odd number, found 4");
  CHECK(refused_text("streaming_llm(sinks=-1)") == "streaming_llm: sinks: expected 0 or more, found -1");
  CHECK(refused_text("expected_attention(future=0)") == "expected_attention: future: expected 1 or more, found 0");
}

TEST_CASE("every error message is one line, whatever text is parsed") {
  for (const std::string text : {"snap\nkv", "snapkv(win\ndow=3)", "snapkv(window=\r\n3x)", "a\tb", "\x1b[31m", "(\n)",
                                 "snapkv(\n", "none(\n=\n)"}) {
    const std::string message = refused_text(text);
    CAPTURE(message);
    CHECK_FALSE(message.empty());
    CHECK(message.find_first_of("\n\r\t\x1b") == std::string::npos);
  }
}

TEST_CASE("a policy of another program can be added once, and is used by its name") {
  Registry registry = kvx_presses();
  registry.add<Last>();
  CHECK(registry.entries().back().name == "last");
  const kvx_test::Layer layer(1, 1, 5, 2);
  CHECK(registry.parse("last").select(layer.input(), Allowance::of_tokens(1)) == Kept{{4}});
  CHECK(error_of([&] { registry.add<Last>(); }) ==
        "press last: expected a new name, found one that is registered already");
  CHECK(error_of([&] { registry.add<SnapKV>(); }) ==
        "press snapkv: expected a new name, found one that is registered already");
}
