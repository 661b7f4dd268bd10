#pragma once

#include <kvx/core/tensor_view.hpp>
#include <kvx/io/json/json.hpp>
#include <kvx/model/architecture.hpp>
#include <kvx/model/read_number.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace kvx::inline v0::detail {

/// Calls f(layer, whether it has a window, JSON value) for each entry of layer_types. Throws Error for a number of
/// entries other than `layers`, and for another kind of layer.
template <class F>
void each_layer_type(const JsonValue& types, Index layers, F&& f) {
  if (static_cast<Index>(types.array().size()) != layers)
    types.fail(std::to_string(layers) + " entries, one for each layer");
  Index l = 0;
  types.each_element([&](const JsonValue& type) {
    const std::string_view name = type.string();
    if (name != "full_attention" && name != "sliding_attention") type.fail("\"full_attention\"");
    f(l++, name == "sliding_attention", type);
  });
}

/// Whether the top level of config.json has the member, even if it is null.
inline bool has_member(const JsonValue& config, std::string_view name) {
  bool found = false;
  config.each_member([&](std::string_view member, const JsonValue&) { found = found || member == name; });
  return found;
}

/// Throws Error if a layer would attend only to a part of the context, by the rules of transformers' Qwen2Config.
inline void check_qwen_windows(const JsonValue& config, Index layers, Index max_positions) {
  const auto use_window = config.find("use_sliding_window"), window = config.find("sliding_window"),
             first = config.find("max_window_layers");
  const bool slides = use_window && use_window->boolean();
  const Index tokens = slides && window ? read_size(*window) : 4096;
  const bool sees_all = slides && tokens >= max_positions;
  if (const auto types = config.find("layer_types"))
    return each_layer_type(*types, layers, [&](Index, bool has_window, const JsonValue& type) {
      if (has_window && !sees_all) type.fail("\"full_attention\"");
    });
  const Index full_layers = first ? first->integer() : 28;
  if (slides && full_layers < layers && !sees_all)
    use_window->fail("no window of " + std::to_string(tokens) + " tokens from layer " + std::to_string(full_layers) +
                     " on");
}

/// Throws Error if config.json asks for a window in every layer, by the rules of transformers' MistralConfig, whose
/// default is a window of 4096 tokens.
inline void check_window_of_all(const JsonValue& config, Index max_positions) {
  const auto window = config.find("sliding_window");
  const Index tokens = window ? read_size(*window) : 4096;
  if ((window || !has_member(config, "sliding_window")) && tokens < max_positions) {
    const std::string expected = "null or at least max_position_embeddings " + std::to_string(max_positions);
    if (window) window->fail(expected);
    throw Error(config.where() + ": field sliding_window",
                "expected " + expected + ", found none, which stands for 4096");
  }
}

/// The layers that have a window, by the rules of transformers' Gemma3TextConfig; none without one.
struct SlidingLayers {
  std::vector<bool> slides = {};  ///< [layers], or empty if no layer has a window
  Index window = 0;               ///< the tokens that a token of these layers sees, itself among them
};

/// The layers with a window in Gemma's config.json. Throws Error for a kind of layer that is unknown.
inline SlidingLayers read_gemma_windows(const JsonValue& config, Index layers) {
  SlidingLayers out{std::vector<bool>(static_cast<std::size_t>(layers)), 4096};
  if (const auto types = config.find("layer_types")) {
    each_layer_type(*types, layers, [&](Index l, bool has_window, const JsonValue&) {
      out.slides[static_cast<std::size_t>(l)] = has_window;
    });
  } else {
    const auto pattern = config.find("sliding_window_pattern");
    const Index every = pattern ? read_size(*pattern) : 6;
    for (Index l = 0; l < layers; ++l) out.slides[static_cast<std::size_t>(l)] = (l + 1) % every != 0;
  }
  if (std::find(out.slides.begin(), out.slides.end(), true) == out.slides.end()) return {};
  if (has_member(config, "sliding_window")) out.window = read_size(config.at("sliding_window"));
  return out;
}

/// The layers with a window. Throws Error for windows that the forward pass does not support.
inline SlidingLayers read_windows(const JsonValue& config, Windows windows, Index layers, Index max_positions) {
  if (windows == Windows::gemma) return read_gemma_windows(config, layers);
  if (windows == Windows::qwen) check_qwen_windows(config, layers, max_positions);
  if (windows == Windows::all) check_window_of_all(config, max_positions);
  if (const auto types = config.find("layer_types"); types && windows != Windows::qwen)
    each_layer_type(*types, layers, [&](Index, bool has_window, const JsonValue& type) {
      if (has_window) type.fail("\"full_attention\"");
    });
  return {};
}

}  // namespace kvx::inline v0::detail
