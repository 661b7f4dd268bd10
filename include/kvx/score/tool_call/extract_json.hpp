#pragma once

#include <kvx/io/json/json_tree.hpp>
#include <kvx/io/json/json_tree_parse.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

namespace detail {

/// Whether a quoted key and a colon follow the brace at `pos`, with only JSON's white space between them.
inline bool begins_with_key(std::string_view text, std::size_t pos) {
  const auto skip_blanks = [&](std::size_t from) {
    return std::min(text.find_first_not_of(" \t\n\r", from), text.size());
  };
  pos = skip_blanks(pos + 1);
  if (pos == text.size() || text[pos] != '"') return false;
  for (++pos; pos < text.size() && text[pos] != '"';) pos += text[pos] == '\\' ? 2u : 1u;
  pos = pos < text.size() ? skip_blanks(pos + 1) : text.size();
  return pos < text.size() && text[pos] == ':';
}

}  // namespace detail

/// Calls f(JsonTree, its text) for each outermost JSON object in `text`, until f returns false. A brace that does not
/// begin an object is skipped, unless a quoted key and a colon follow it. Such a brace begins an object that is broken
/// or cut off; the search ends there and returns false. Otherwise it returns true.
///
/// It takes linear time and memory. As if an object were broken, it gives up on a text of 64 MB, and after reading
/// 64 MB of candidates that are not JSON, which cannot happen in a text of up to 8 kB.
template <class F>
bool each_json_object(std::string_view text, F&& f) {
  constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();
  constexpr std::size_t kMaxWork = std::size_t{64} << 20;
  const std::size_t size = text.size();
  if (size >= kMaxWork) return false;
  // Filled from the end. brace[i]: where the brace that is open at i closes, if i is outside a string. string[i]: where
  // the string that is open at i ends.
  std::vector<std::uint32_t> brace(size + 1, kNone), string(size + 2, kNone);
  const auto after = [&](std::uint32_t end) { return end == kNone ? kNone : brace[end + 1]; };
  for (std::size_t i = size; i-- > 0;) {
    const auto index = static_cast<std::uint32_t>(i);
    const char c = text[i];
    string[i] = c == '"' ? index : string[i + (c == '\\' ? 2 : 1)];
    brace[i] = c == '}' ? index : c == '{' ? after(brace[i + 1]) : c == '"' ? after(string[i + 1]) : brace[i + 1];
  }
  std::size_t work = 0, next = 0;
  for (std::size_t start = text.find('{'); start != text.npos; start = text.find('{', next)) {
    next = start + 1;
    if (brace[next] != kNone) {
      const std::string_view candidate = text.substr(start, brace[next] + 1 - start);
      if (auto tree = parse_json(candidate)) {
        if (!f(std::move(*tree), candidate)) return true;
        next = start + candidate.size();
        continue;
      }
      work += candidate.size();
    }
    if (detail::begins_with_key(text, start) || work > kMaxWork) return false;
  }
  return true;
}

/// The JSON objects of an answer.
struct ExtractedObjects {
  std::vector<JsonTree> whole;
  bool broken = false;  ///< whether another object follows that is broken or cut off

  std::size_t count() const { return whole.size() + broken; }
};

/// The objects that each_json_object() finds. Arrays, fences and <tool_call> tags around them make no difference.
inline ExtractedObjects extract_objects(std::string_view text) {
  ExtractedObjects objects;
  objects.broken = !each_json_object(text, [&](JsonTree tree, std::string_view) {
    objects.whole.push_back(std::move(tree));
    return true;
  });
  return objects;
}

}  // namespace kvx::inline v0
