#pragma once

#include "support/presses.hpp"

#include <kvx/core/error.hpp>
#include <kvx/press/named/registry.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace kvx_test {

/// Every press of the registry, every adapter around every press, and every two adapters around some presses, if they
/// can be combined. They are for caches of this shape and contexts of at least 60 tokens. Files are made up.
inline std::vector<kvx::AnyPolicy> nested_presses(kvx::Index layers, kvx::Index kv_heads, kvx::Index head_dim) {
  const kvx::Registry registry = kvx::kvx_presses();
  const auto read = made_up_files(layers, kv_heads, head_dim);
  // Arguments for which a press works with a short context and evicts rows of it.
  const auto arguments = [&](std::string_view name) -> std::string {
    if (name == "snapkv" || name == "pyramidkv" || name == "finch" || name == "think") return "window=9";
    if (name == "qfilter") return "file=made_up";
    if (name == "duo_attention") return "file=made_up, ratio=0.5, sinks=3, recent=7";
    if (name == "simlayerkv") return "threshold=0.1, recent=20";
    if (name == "lagkv") return "lag=11";
    if (name == "kvzip" || name == "compactor") return "chunk=23";
    if (name == "chunk") return "length=21";
    if (name == "block") return "block=13";
    if (name == "dms") return "threshold=-3.9, window=8";
    if (name == "fair") return "defense=10:30, instructions=30:47";
    if (name == "protect") return "first=2, span=[11:15, 40]";
    if (name == "per_layer") return per_layer_ratios(layers);
    if (name == "decoding") return "interval=3, target=31";
    if (name.starts_with("int")) return "group=16, residual=16";
    return "";
  };
  std::vector<std::string> leaves, adapters;
  for (const auto& entry : registry.entries()) {
    const std::string name(entry.name), leaf_arguments = arguments(entry.name);
    if (entry.wraps.empty())
      leaves.push_back(leaf_arguments.empty() ? name : name + "(" + leaf_arguments + ")");
    else
      adapters.push_back(name);
  }
  const auto wrap = [&](const std::string& adapter, const std::string& inner) {
    std::string own_arguments = arguments(adapter);
    if (adapter == "decoding" && inner.find("window=9") != inner.npos) own_arguments = "interval=9, target=31";
    const std::string rest = own_arguments.empty() ? ")" : ", " + own_arguments + ")";
    if (adapter == "composed") return "composed(streaming_llm(sinks=3), " + inner + rest;
    if (adapter == "prefill_decoding")
      return "prefill_decoding(" + inner + ", decoding(snapkv(window=2), interval=2, target=33))";
    return adapter + "(" + inner + rest;
  };
  std::vector<kvx::AnyPolicy> all;
  const auto add = [&](const std::string& text) {
    try {
      all.push_back(registry.parse(text, {1, read}));
      return true;
    } catch (const kvx::Error&) {  // these cannot be combined
      return false;
    }
  };
  std::vector<std::string> wrapped;
  for (const auto& leaf : leaves) add(leaf);
  add("dms(knorm, threshold=-3.9, window=8, decoding=true)");
  add("cur(random_leverage=true)");
  for (const auto& adapter : adapters)
    for (const auto& leaf : leaves) {
      const std::string text = wrap(adapter, leaf);
      if (!add(text)) continue;
      // To limit the time, pairs of adapters wrap one press of each kind: it scores by keys, by queries, by position,
      // or by a repetition of the context.
      for (const std::string_view press : {"knorm", "snapkv", "streaming_llm", "kvzip"})
        if (leaf.starts_with(press)) wrapped.push_back(text);
    }
  for (const auto& adapter : adapters)
    for (const auto& inner : wrapped) add(wrap(adapter, inner));
  return all;
}

}  // namespace kvx_test
