#pragma once

#include <kvx/core/error.hpp>

#include <charconv>
#include <cstddef>
#include <string>
#include <string_view>
#include <system_error>

namespace kvx::inline v0 {

/// The number of bytes that a text such as 500M, 4G or 4096 stands for. Throws Error for any other text.
inline std::size_t parse_bytes(std::string_view text) {
  std::size_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, code] = std::from_chars(text.data(), end, value);
  int shift = 0;
  if (end - rest == 1) shift = *rest == 'K' ? 10 : *rest == 'M' ? 20 : *rest == 'G' ? 30 : *rest == 'T' ? 40 : -1;
  if (code != std::errc() || end - rest > 1 || shift < 0 || value == 0 || value > (~std::size_t{0} >> 1 >> shift))
    throw Error("memory", "expected a size such as 500M or 4G, found '" + std::string(text) + "'");
  return value << shift;
}

}  // namespace kvx::inline v0
