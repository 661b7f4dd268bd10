#pragma once

#include <kvx/io/json_tree.hpp>
#include <kvx/io/json_tree_parse.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>
#include <vector>

namespace kvx::inline v0 {

/// The first balanced {...} in `text` that is JSON; braces within its strings do not count. Where one is not JSON, the
/// search goes on at the next `{`, be it within. It takes linear time and memory: it gives up after 64 MB of what is
/// not JSON, which a text of up to 8 kB cannot reach, and on a text of 64 MB.
inline std::optional<JsonTree> extract_json(std::string_view text) {
  constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();
  constexpr std::size_t kMostWork = std::size_t{64} << 20;
  const std::size_t size = text.size();
  if (size >= kMostWork) return std::nullopt;
  // Read from the end: where the brace closes that is open at i, outside a string; where the string ends that is.
  std::vector<std::uint32_t> brace(size + 1, kNone), string(size + 2, kNone);
  const auto after = [&](std::uint32_t end) { return end == kNone ? kNone : brace[end + 1]; };
  for (std::size_t i = size; i-- > 0;) {
    const auto here = static_cast<std::uint32_t>(i);
    const char c = text[i];
    string[i] = c == '"' ? here : string[i + (c == '\\' ? 2 : 1)];
    brace[i] = c == '}' ? here : c == '{' ? after(brace[i + 1]) : c == '"' ? after(string[i + 1]) : brace[i + 1];
  }
  std::size_t work = 0;
  for (std::size_t at = text.find('{'); at != text.npos && work <= kMostWork; at = text.find('{', at + 1)) {
    if (brace[at + 1] == kNone) continue;
    const std::string_view candidate = text.substr(at, brace[at + 1] + 1 - at);
    if (auto tree = parse_json(candidate)) return tree;
    work += candidate.size();
  }
  return std::nullopt;
}

}  // namespace kvx::inline v0
