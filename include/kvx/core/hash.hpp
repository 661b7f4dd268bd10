#pragma once

#include <cstdint>
#include <string_view>

namespace kvx::inline v0 {

/// The 64-bit hash FNV-1a (Fowler, Noll, Vo). It distinguishes texts, but gives no protection against an attacker. To
/// hash several texts, pass the hash of the first ones as `seed`.
constexpr std::uint64_t fnv1a(std::string_view text, std::uint64_t seed = 0xcbf29ce484222325) {
  for (const char c : text) seed = (seed ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return seed;
}

}  // namespace kvx::inline v0
