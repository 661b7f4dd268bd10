#pragma once

#include <array>
#include <string>
#include <string_view>

namespace kvx::inline v0 {

/// A family of decoders that differs from others in more than sizes. config.json names it in `model_type`.
struct Architecture {
  std::string_view model_type;
  bool qkv_bias;  ///< whether queries, keys and values have a bias
};

/// The architectures that Decoder computes.
inline constexpr auto kArchitectures = std::to_array<Architecture>({
    {.model_type = "qwen2", .qkv_bias = true},  // Yang et al., arXiv:2407.10671
});

/// The architecture of that name, or nullptr if it is unknown.
inline const Architecture* find_architecture(std::string_view model_type) {
  for (const Architecture& architecture : kArchitectures)
    if (architecture.model_type == model_type) return &architecture;
  return nullptr;
}

/// The names of all architectures as a text for errors: "qwen2" in quotation marks, with commas between them.
inline std::string architecture_names() {
  std::string names;
  for (const Architecture& architecture : kArchitectures)
    names.append(names.empty() ? "\"" : ", \"").append(architecture.model_type).append("\"");
  return names;
}

}  // namespace kvx::inline v0
