#pragma once

#include <kvx/io/json_tree.hpp>
#include <kvx/io/json_tree_parse.hpp>
#include <kvx/score/fenced_blocks.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// Calls f(JsonTree, its text) for each balanced {...} in `text` that is JSON and stands in no other, until f returns
/// false; braces within its strings do not count. Where one is not JSON, the search goes on at the next `{`, be it
/// within. It takes linear time and memory: it gives up after 64 MB of what is not JSON, which a text of up to 8 kB
/// cannot reach, and on a text of 64 MB.
template <class F>
void each_json_object(std::string_view text, F&& f) {
  constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();
  constexpr std::size_t kMostWork = std::size_t{64} << 20;
  const std::size_t size = text.size();
  if (size >= kMostWork) return;
  // Read from the end: where the brace closes that is open at i, outside a string; where the string ends that is.
  std::vector<std::uint32_t> brace(size + 1, kNone), string(size + 2, kNone);
  const auto after = [&](std::uint32_t end) { return end == kNone ? kNone : brace[end + 1]; };
  for (std::size_t i = size; i-- > 0;) {
    const auto here = static_cast<std::uint32_t>(i);
    const char c = text[i];
    string[i] = c == '"' ? here : string[i + (c == '\\' ? 2 : 1)];
    brace[i] = c == '}' ? here : c == '{' ? after(brace[i + 1]) : c == '"' ? after(string[i + 1]) : brace[i + 1];
  }
  std::size_t work = 0, next = 0;
  for (std::size_t at = text.find('{'); at != text.npos && work <= kMostWork; at = text.find('{', next)) {
    next = at + 1;
    if (brace[next] == kNone) continue;
    const std::string_view candidate = text.substr(at, brace[next] + 1 - at);
    if (auto tree = parse_json(candidate)) {
      if (!f(std::move(*tree), candidate)) return;
      next = at + candidate.size();
    } else {
      work += candidate.size();
    }
  }
}

/// The first object that each_json_object() finds.
inline std::optional<JsonTree> extract_json(std::string_view text) {
  std::optional<JsonTree> first;
  each_json_object(text, [&](JsonTree tree, std::string_view) {
    first = std::move(tree);
    return false;
  });
  return first;
}

/// The calls in an answer: every object that each_json_object() finds, so those of an array, of a fence and of
/// <tool_call> alike. An empty array, be it fenced, has none of them; nullopt where there is no JSON at all.
inline std::optional<std::vector<JsonTree>> extract_calls(std::string_view text) {
  std::vector<JsonTree> calls;
  each_json_object(text, [&](JsonTree tree, std::string_view) {
    calls.push_back(std::move(tree));
    return true;
  });
  if (!calls.empty()) return calls;
  const auto blocks = fenced_blocks(text);
  const auto tree = parse_json(blocks.empty() ? text : std::string_view(blocks.front().text));
  if (tree && tree->array() != nullptr && tree->array()->empty()) return calls;
  return std::nullopt;
}

}  // namespace kvx::inline v0
