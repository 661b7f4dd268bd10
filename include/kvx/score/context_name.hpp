#pragma once

#include <kvx/core/hash.hpp>
#include <kvx/score/sample.hpp>

#include <array>
#include <charconv>
#include <string>

namespace kvx::inline v0 {

/// A short name for a sample's context with its system message. Equal texts have equal names; it is empty if both texts
/// are empty.
inline std::string context_name(const Sample& sample) {
  if (sample.context.empty() && sample.system.empty()) return {};
  std::array<char, 16> digits;
  const auto hash = fnv1a(sample.context, fnv1a({"", 1}, fnv1a(sample.system)));
  return {digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), hash, 16).ptr};
}

}  // namespace kvx::inline v0
