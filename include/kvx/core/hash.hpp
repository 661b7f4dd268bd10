#pragma once

#include <cstdint>
#include <string_view>

namespace kvx::inline v0 {

/// FNV-1a of 64 bits (Fowler, Noll, Vo), for telling texts apart, not against an attacker. `seed` chains several texts.
constexpr std::uint64_t fnv1a(std::string_view text, std::uint64_t seed = 0xcbf29ce484222325) {
  for (const char c : text) seed = (seed ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return seed;
}

}  // namespace kvx::inline v0
