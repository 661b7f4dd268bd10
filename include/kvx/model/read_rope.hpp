#pragma once

#include <kvx/core/tensor_view.hpp>
#include <kvx/io/json/json.hpp>
#include <kvx/model/architecture.hpp>
#include <kvx/model/read_number.hpp>
#include <kvx/model/rope_parameters.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace kvx::inline v0::detail {

/// The members of a rope_scaling or rope_parameters object with that scaling, besides rope_type, type, rope_theta,
/// factor and partial_rotary_factor.
inline std::span<const std::string_view> members_of(RopeParameters::Scaling scaling) {
  static constexpr auto kLlama3 =
      std::to_array<std::string_view>({"original_max_position_embeddings", "low_freq_factor", "high_freq_factor"});
  static constexpr auto kYarn =
      std::to_array<std::string_view>({"original_max_position_embeddings", "beta_fast", "beta_slow", "truncate",
                                       "attention_factor", "mscale", "mscale_all_dim"});
  if (scaling == RopeParameters::Scaling::llama3) return kLlama3;
  if (scaling == RopeParameters::Scaling::yarn) return kYarn;
  return {};
}

/// The scaling that `type` names, the type of the object `rope`. Scaling by 1 is none. Throws Error for other types.
inline RopeParameters::Scaling read_scaling(const JsonValue& rope, const JsonValue& type) {
  using Scaling = RopeParameters::Scaling;
  const std::string_view name = type.string();
  const auto factor = rope.find("factor");
  if (name == "default" || ((name == "linear" || name == "dynamic") && factor && factor->number() == 1))
    return Scaling::none;
  if (name == "linear") return Scaling::linear;
  if (name == "llama3") return Scaling::llama3;
  if (name == "yarn") return Scaling::yarn;
  type.fail("\"default\", \"linear\", \"llama3\" or \"yarn\"");
}

/// Throws Error unless partial_rotary_factor is 1.
inline void expect_all_channels(const JsonValue& factor) {
  if (factor.number() != 1) factor.fail("1, a rotation of all channels");
}

/// YaRN's factor for attention, by transformers' rules.
inline double read_attention_factor(const JsonValue& rope, double factor) {
  const auto number = [&](std::string_view name) {
    const auto value = rope.find(name);
    return value ? read_number(*value, 0, 1e6, "a number from 0 to 1e6") : 0;
  };
  if (const auto given = rope.find("attention_factor"))
    return read_number(*given, 1e-6, 1e6, "a number from 1e-6 to 1e6");
  const auto grown = [&](double mscale) { return factor <= 1 ? 1.0 : 0.1 * mscale * std::log(factor) + 1; };
  const double mscale = number("mscale"), all = number("mscale_all_dim");
  return mscale != 0 && all != 0 ? grown(mscale) / grown(all) : grown(1);
}

/// Reads a rope_scaling or rope_parameters object into `out`. `original` is the length, in tokens, before the model was
/// extended, for an object that does not state it. Throws Error for a scaling or a member that is not supported.
inline void read_rope_object(const JsonValue& rope, double original, RopeParameters& out) {
  using Scaling = RopeParameters::Scaling;
  const auto old_type = rope.find("type"), new_type = rope.find("rope_type"), type = new_type ? new_type : old_type;
  if (old_type && new_type && old_type->string() != new_type->string())
    old_type->fail("the same as rope_type, \"" + std::string(new_type->string()) + "\"");
  const auto factor = rope.find("factor");
  if (!type && factor && factor->number() != 1) factor->fail("1, since no rope_type says how to scale");
  if (type) out.scaling = read_scaling(rope, *type);
  const auto members = members_of(out.scaling);
  rope.each_member([&](std::string_view name, const JsonValue& value) {
    if (value.is_null()) return;
    if (name == "rope_theta")
      out.theta = read_number(value, 1, 1e18, "a number from 1 to 1e18");
    else if (name == "partial_rotary_factor")
      expect_all_channels(value);
    else if (name != "rope_type" && name != "type" && name != "factor" &&
             std::find(members.begin(), members.end(), name) == members.end())
      value.fail("only rope_type, rope_theta, factor and partial_rotary_factor here" +
                 (type && out.scaling != Scaling::none ? ", and the members of " + std::string(type->string()) : ""));
  });
  if (out.scaling == Scaling::none) return;
  const auto number = [&](std::string_view name, std::optional<double> absent) {
    const auto value = absent ? rope.find(name) : rope.at(name);
    return value ? read_number(*value, 1e-6, 1e9, "a number from 1e-6 to 1e9") : *absent;
  };
  out.factor = number("factor", std::nullopt);
  if (out.scaling == Scaling::linear) return;
  out.original_positions = number("original_max_position_embeddings", original);
  if (out.scaling == Scaling::llama3) {
    out.low_turns = number("low_freq_factor", std::nullopt);
    out.high_turns = number("high_freq_factor", std::nullopt);
    if (out.low_turns >= out.high_turns) rope.at("low_freq_factor").fail("a number below high_freq_factor");
    return;
  }
  if (out.theta < 2) rope.fail("a rope_theta of at least 2 for yarn");
  out.high_turns = number("beta_fast", 32);
  out.low_turns = number("beta_slow", 1);
  if (const auto truncate = rope.find("truncate")) out.whole_bounds = truncate->boolean();
  out.attention_factor = static_cast<float>(read_attention_factor(rope, out.factor));
}

/// RoPE of layers with full attention, and of those with a window. transformers 4 writes theta at the top level, and
/// transformers 5 writes everything in rope_parameters; for Gemma, with one object for each kind of layer.
inline std::pair<RopeParameters, RopeParameters> read_rope(const JsonValue& config, const Architecture& architecture,
                                                           Index max_positions) {
  RopeParameters full{.theta = architecture.rope_theta}, sliding;
  const auto read_theta = [&](std::string_view name, double& theta) {
    if (const auto value = config.find(name)) theta = read_number(*value, 1, 1e18, "a number from 1 to 1e18");
  };
  read_theta("rope_theta", full.theta);
  read_theta("rope_local_base_freq", sliding.theta);
  if (const auto factor = config.find("partial_rotary_factor")) expect_all_channels(*factor);
  auto original = static_cast<double>(max_positions);
  if (const auto value = config.find("original_max_position_embeddings"))
    original = static_cast<double>(read_size(*value));
  const auto parameters = config.find("rope_parameters");
  if (parameters && architecture.windows == Windows::gemma)
    parameters->each_member([&](std::string_view kind, const JsonValue& rope) {
      if (kind != "full_attention" && kind != "sliding_attention")
        rope.fail("only full_attention and sliding_attention here");
      if (!rope.is_null()) read_rope_object(rope, original, kind == "full_attention" ? full : sliding);
    });
  else if (parameters)
    read_rope_object(*parameters, original, full);
  if (const auto scaling = config.find("rope_scaling")) read_rope_object(*scaling, original, full);
  return {full, sliding};
}

}  // namespace kvx::inline v0::detail
