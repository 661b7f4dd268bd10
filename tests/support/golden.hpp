#pragma once

#include "support/reference.hpp"

#include <kvx/core/tensor_view.hpp>
#include <kvx/io/json/json.hpp>
#include <kvx/io/safetensors.hpp>
#include <kvx/press/any_policy.hpp>
#include <kvx/press/named/registry.hpp>
#include <kvx/press/policy.hpp>
#include <kvx/press/select.hpp>
#include <kvx/press/tensor_reader.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace kvx_test {

/// The folders with golden data: the part in this repository and, if KVX_SHARED names a folder that has it, the whole
/// set.
inline std::vector<std::string> golden_folders() {
  std::vector<std::string> folders = {KVX_SOURCE_DIR "/tests/data/golden"};
  if (const auto shared = environment("KVX_SHARED") + "/golden"; std::filesystem::exists(shared + "/manifest.json"))
    folders.push_back(shared);
  return folders;
}

/// The written form of the press that a manifest's node describes with kvpress's names.
inline std::string written_of(const kvx::JsonValue& node) {
  std::string name(node.at("press_name").string()), inner, arguments;
  const bool fair = name.starts_with("Fair");
  if (name == "Kivi") {
    arguments = "bias=false";
    name = "int" + std::string(simdjson::minify(node.at("bits_k").element()));
  }
  if (name == "QFilter" || name == "DuoAttention") arguments = "file=golden";
  const auto add = [](std::string& text, const std::string& part) { text += (text.empty() ? "" : ", ") + part; };
  node.each_member([&](std::string_view key, const kvx::JsonValue& value) {
    if (key == "press_name" || key == "ratio" || key == "sketch_seed" || key == "filters" || key.starts_with("bits_"))
      return;
    const std::string text(simdjson::minify(value.element()));
    if (key == "prefill" || key == "decode") {
      add(inner, written_of(value));
    } else if (key == "inner") {
      inner = written_of(value);
    } else if (key == "presses") {
      std::string ratios;
      value.each_element([&](const kvx::JsonValue& part) {
        add(inner, written_of(part));
        const auto ratio = part.find("ratio");
        add(ratios, ratio ? std::string(simdjson::minify(ratio->element())) : "0");
      });
      add(arguments, "ratios=[" + ratios + "]");
    } else if (key.ends_with("_span")) {
      const auto colon = text.find(',');
      add(arguments,
          std::string(key) + "=" + text.substr(1, colon - 1) + ":" + text.substr(colon + 1, text.size() - colon - 2));
    } else if (fair) {  // the other members are parameters of the inner press
      add(inner, std::string(key) + "=" + text);
    } else {
      add(arguments, std::string(key) + "=" + text);
    }
  });
  if (fair) {
    inner = name.substr(4) + "(" + inner + ")";
    name = "fair";
  }
  if (!arguments.empty()) add(inner, arguments);
  return name + "(" + inner + ")";
}

/// The policy of a node; `read` replaces files that the press reads. Throws Error for a press that kvx does not have.
inline kvx::AnyPolicy policy_of(const kvx::JsonValue& node, kvx::TensorReader read = {}) {
  return kvx::kvx_presses().parse(written_of(node), {.read = std::move(read)});
}

/// One synthetic layer with all data that a policy can ask for. It owns the memory of its PressInput.
class GoldenLayer {
 public:
  /// The names of the layer's tensors begin with `prefix`.
  GoldenLayer(const kvx::Safetensors& file, const kvx::JsonValue& entry, const std::string& prefix = "")
      : layer_(entry.at("layer_idx").integer()),
        layers_(entry.at("num_layers").integer()),
        tokens_(entry.at("seq").integer()),
        heads_(entry.at("q_heads").integer()),
        kv_heads_(entry.at("kv_heads").integer()),
        dim_(entry.at("head_dim").integer()),
        keys_(kvx::to_floats(file.at(prefix + "k"))),
        values_(kvx::to_floats(file.at(prefix + "v"))),
        queries_(kvx::to_floats(file.at(prefix + "q"))),
        pre_rope_queries_(kvx::to_floats(file.at(prefix + "q_pre"))),
        pre_rope_keys_(kvx::to_floats(file.at(prefix + "k_pre"))),
        inv_freq_(kvx::to_floats(file.at(prefix + "inv_freq"))),
        output_(kvx::to_floats(file.at(prefix + "o_proj.weight"))),
        received_(static_cast<std::size_t>(heads_ * tokens_)) {
    const auto attention = kvx::to_floats(file.at(prefix + "attn"));  // [heads, tokens, tokens]
    for (kvx::Index i = 0; i < heads_; ++i)
      for (kvx::Index t = 0; t < tokens_; ++t)
        for (kvx::Index j = 0; j < tokens_; ++j)
          received_[static_cast<std::size_t>(i * tokens_ + j)] +=
              attention[static_cast<std::size_t>((i * tokens_ + t) * tokens_ + j)];
  }

  kvx::Index tokens() const { return tokens_; }
  kvx::Index layers() const { return layers_; }
  kvx::Index kv_heads() const { return kv_heads_; }
  kvx::Index head_dim() const { return dim_; }

  kvx::PressInput input(const kvx::Needs& needs) const {
    kvx::PressInput in{.layer = layer_,
                       .layers = layers_,
                       .keys = tensor(keys_, kv_heads_),
                       .values = tensor(values_, kv_heads_),
                       .inv_freq = inv_freq_,
                       .output_projection = kvx::TensorView<const float>::token_major(
                           output_.data(), heads_, static_cast<kvx::Index>(output_.size()) / (heads_ * dim_), dim_)};
    const kvx::Index window = std::min(needs.queries, tokens_);
    if (window > 0) in.queries = tensor(queries_, heads_).tokens(tokens_ - window, window);
    if (needs.pre_rope_queries) in.pre_rope_queries = tensor(pre_rope_queries_, heads_);
    if (needs.pre_rope_keys) in.pre_rope_keys = tensor(pre_rope_keys_, kv_heads_);
    if (needs.attention) in.attention = received_;
    return in;
  }

 private:
  kvx::TensorView<const float> tensor(const std::vector<float>& data, kvx::Index heads) const {
    return kvx::TensorView<const float>::head_major(data.data(), heads, tokens_, dim_);
  }

  kvx::Index layer_, layers_, tokens_, heads_, kv_heads_, dim_;
  std::vector<float> keys_, values_, queries_, pre_rope_queries_, pre_rope_keys_, inv_freq_, output_, received_;
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
