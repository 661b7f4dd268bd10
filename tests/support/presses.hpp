#pragma once

#include "support/random_floats.hpp"

#include <kvx/cache/cache_shape.hpp>
#include <kvx/cache/quantize.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/press/budget_of.hpp>
#include <kvx/press/named/registry.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace kvx_test {

/// A reader that returns made-up filters or head scores for caches of this shape.
inline kvx::TensorReader made_up_files(kvx::Index layers, kvx::Index kv_heads, kvx::Index head_dim) {
  return [=](const std::string&, const std::string& tensor) {
    const kvx::Index columns = tensor == "head_scores" ? kv_heads : head_dim,
                     rows = tensor == "head_scores" ? layers : layers * kv_heads;
    const auto floats = random_floats(static_cast<std::size_t>(rows * columns), 7);
    kvx::Matrix<float> matrix(rows, columns);
    std::copy(floats.begin(), floats.end(), matrix.data());
    return matrix;
  };
}

/// The argument of per_layer, with a different ratio for each layer.
inline std::string per_layer_ratios(kvx::Index layers) {
  std::string ratios;
  for (kvx::Index l = 0; l < layers; ++l) ratios += (l == 0 ? "0." : ", 0.") + std::to_string(l % 8 + 1);
  return "ratios=[" + ratios + "]";
}

/// Every press of the registry; adapters are around several other presses. They are for caches of this shape and
/// contexts of at least 64 tokens. Files are made up.
inline std::vector<kvx::AnyPolicy> every_press(kvx::Index layers, kvx::Index kv_heads, kvx::Index head_dim) {
  const kvx::Registry registry = kvx::kvx_presses();
  const auto read = made_up_files(layers, kv_heads, head_dim);
  std::vector<kvx::AnyPolicy> all;
  for (const auto& entry : registry.entries()) {
    const std::string name(entry.name);
    std::vector<std::string> texts;
    if (entry.wraps.empty()) texts = {name};
    if (entry.wraps == "press") texts = {name + "(knorm)", name + "(snapkv(window=16))", name + "(expected_attention)"};
    if (name == "composed") texts = {"composed(streaming_llm, knorm)", "composed(snapkv(window=16), think(ratio=0.5))"};
    if (name == "per_layer") texts = {"per_layer(knorm, " + per_layer_ratios(layers) + ")"};
    if (name == "dms")
      texts = {"dms(knorm, threshold=-3.9, window=16)", "dms(knorm, threshold=-3.9, window=8, decoding=true)"};
    if (name == "cur") texts.push_back("cur(random_leverage=true)");
    if (name == "fair") texts.clear();
    if (name == "fair")
      for (const char* inner : {"knorm", "streaming_llm", "snapkv(window=16)", "tova", "observed_attention"})
        texts.push_back("fair(" + std::string(inner) + ", defense=10:30, instructions=30:60)");
    if (name == "snapkv" || name == "pyramidkv" || name == "finch" || name == "think") texts = {name + "(window=16)"};
    if (name == "qfilter" || name == "duo_attention") texts = {name + "(file=made_up)"};
    if (name == "duo_attention") texts = {"duo_attention(file=made_up, sinks=4, recent=20)"};
    if (name == "simlayerkv") texts = {"simlayerkv(threshold=0.3, recent=24)"};
    if (name == "decoding")
      texts = {"decoding(knorm, interval=3, target=60)", "decoding(snapkv(window=3), interval=3, ratio=0.5)"};
    if (name == "prefill_decoding")
      texts = {"prefill_decoding(snapkv(window=16), decoding(knorm, interval=2, target=40))",
               "prefill_decoding(ada(knorm), decoding(keydiff, interval=2, target=50))"};
    if (name.starts_with("int"))
      texts = {name + "(group=16, residual=16)", "ada(knorm)+" + name + "(group=16, residual=32)",
               "prefill_decoding(knorm, decoding(keydiff, interval=2, target=50))+" + name + "(group=16, residual=16)"};
    for (const auto& text : texts) all.push_back(registry.parse(text, {{}, read}));
  }
  return all;
}

/// The most bytes that one more row in each head of all layers adds to a cache. In a padded format, they can be more
/// than the bytes of the rows themselves.
inline std::size_t bytes_of_a_row(const std::optional<kvx::CacheQuantization>& quantization,
                                  const kvx::CacheShape& shape, kvx::Index tokens) {
  std::size_t largest = 0;
  for (kvx::Index rows = 0; rows < tokens; ++rows) {
    const std::size_t before = kvx::stored_bytes(quantization, shape, rows),
                      after = kvx::stored_bytes(quantization, shape, rows + 1);
    largest = std::max(largest, after - std::min(before, after));
  }
  return static_cast<std::size_t>(shape.layers * shape.kv_heads) * largest;
}

}  // namespace kvx_test
