#pragma once

#include "support/reference.hpp"

#include <kvx/core/tensor_view.hpp>
#include <kvx/io/json.hpp>
#include <kvx/io/safetensors.hpp>
#include <kvx/press/any_policy.hpp>
#include <kvx/press/policy.hpp>
#include <kvx/press/registry.hpp>
#include <kvx/press/select.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace kvx_test {

/// The folders with golden data: the project's own part, and the whole set where KVX_SHARED names it.
inline std::vector<std::string> golden_folders() {
  std::vector<std::string> folders = {KVX_SOURCE_DIR "/tests/data/golden"};
  if (const auto shared = environment("KVX_SHARED"); !shared.empty()) folders.push_back(shared + "/golden");
  return folders;
}

/// The policy that a manifest's node describes, unless kvx has none of that name. The node speaks kvpress's names.
inline std::optional<kvx::AnyPolicy> policy_of(const kvx::JsonValue& press_name, const kvx::JsonValue* node) {
  const kvx::Registry registry;
  const std::string name(press_name.string());
  bool known = false;
  for (const auto& entry : registry.entries())
    known |= kvx::canonical_press_name(entry.name) == kvx::canonical_press_name(name);
  if (!known) return std::nullopt;
  std::string arguments;
  if (node != nullptr)
    node->each_member([&](std::string_view key, const kvx::JsonValue& value) {
      if (key == "press_name") return;
      arguments += (arguments.empty() ? "" : ", ") + std::string(key) + "=" + simdjson::minify(value.element());
    });
  return registry.parse(name + "Press(" + arguments + ")");
}

/// One synthetic layer with everything that a policy can ask for. It owns what its PressInput looks at.
class GoldenLayer {
 public:
  GoldenLayer(const kvx::Safetensors& file, const kvx::JsonValue& entry)
      : layer_(entry.at("layer_idx").integer()),
        layers_(entry.at("num_layers").integer()),
        tokens_(entry.at("seq").integer()),
        heads_(entry.at("q_heads").integer()),
        kv_heads_(entry.at("kv_heads").integer()),
        dim_(entry.at("head_dim").integer()),
        keys_(kvx::to_floats(file.at("k"))),
        values_(kvx::to_floats(file.at("v"))),
        queries_(kvx::to_floats(file.at("q"))),
        pre_rope_queries_(kvx::to_floats(file.at("q_pre"))),
        inv_freq_(kvx::to_floats(file.at("inv_freq"))),
        received_(static_cast<std::size_t>(heads_ * tokens_)) {
    const auto attention = kvx::to_floats(file.at("attn"));  // [heads, tokens, tokens]
    for (kvx::Index i = 0; i < heads_; ++i)
      for (kvx::Index t = 0; t < tokens_; ++t)
        for (kvx::Index j = 0; j < tokens_; ++j)
          received_[static_cast<std::size_t>(i * tokens_ + j)] +=
              attention[static_cast<std::size_t>((i * tokens_ + t) * tokens_ + j)];
  }

  kvx::Index tokens() const { return tokens_; }
  kvx::Index kv_heads() const { return kv_heads_; }

  kvx::PressInput input(const kvx::Needs& needs) const {
    kvx::PressInput in{.layer = layer_,
                       .layers = layers_,
                       .keys = tensor(keys_, kv_heads_),
                       .values = tensor(values_, kv_heads_),
                       .queries = {},
                       .pre_rope_queries = {},
                       .attention = {},
                       .inv_freq = inv_freq_};
    const kvx::Index window = std::min(needs.queries, tokens_);
    if (window > 0) in.queries = tensor(queries_, heads_).tokens(tokens_ - window, window);
    if (needs.pre_rope_queries) in.pre_rope_queries = tensor(pre_rope_queries_, heads_);
    if (needs.attention) in.attention = received_;
    return in;
  }

 private:
  kvx::TensorView<const float> tensor(const std::vector<float>& data, kvx::Index heads) const {
    return kvx::TensorView<const float>::head_major(data.data(), heads, tokens_, dim_);
  }

  kvx::Index layer_, layers_, tokens_, heads_, kv_heads_, dim_;
  std::vector<float> keys_, values_, queries_, pre_rope_queries_, inv_freq_, received_;
};

/// The rows of a keep mask [kv_heads, tokens].
inline kvx::Kept rows_of_mask(const std::uint8_t* mask, kvx::Index kv_heads, kvx::Index tokens) {
  kvx::Kept kept(static_cast<std::size_t>(kv_heads));
  for (kvx::Index h = 0; h < kv_heads; ++h)
    for (kvx::Index j = 0; j < tokens; ++j)
      if (mask[h * tokens + j] != 0) kept[static_cast<std::size_t>(h)].push_back(j);
  return kept;
}

}  // namespace kvx_test
