#pragma once

#include <kvx/io/json/json_tree.hpp>
#include <kvx/io/json/json_tree_parse.hpp>
#include <kvx/score/tool_call/call_pieces.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// Calls whose arguments are not one JSON object, but marked one by one.
namespace kvx::inline v0::detail {

/// Qwen3-Coder: `<function=NAME>` with `<parameter=KEY>` in it, usually inside `<tool_call>`.
inline FamilyCalls xml_calls(std::string_view text, const IsTextParameter& is_text) {
  const auto pieces = texts_after(text, "<function=");
  FamilyCalls found = calls_of_each(pieces, [&](std::string_view piece) -> std::optional<JsonTree> {
    const auto named = parted(piece, ">");
    const auto body = named ? parted(named->second, "</function>") : std::nullopt;
    if (!body) return std::nullopt;
    const std::string_view name = stripped(named->first);
    JsonTree::Object arguments;
    for (const std::string_view parameter : texts_after(body->first, "<parameter=")) {
      const auto parts = parted(parameter, ">");
      const std::size_t end = parts ? parts->second.rfind("</parameter>") : parameter.npos;
      if (end == parameter.npos) return std::nullopt;
      std::string_view value = parts->second.substr(0, end);
      if (value.starts_with('\n')) value.remove_prefix(1);
      if (value.ends_with('\n')) value.remove_suffix(1);
      const std::string_view key = stripped(parts->first);
      arguments.push_back({std::string(key), untyped_value(value, is_text(name, key))});
    }
    return made_call(JsonTree(std::string(name)), JsonTree(std::move(arguments)));
  });
  if (pieces.empty() && text.find("<tool_call>") != text.npos) found.complete = false;
  return found;
}

/// GLM: `<tool_call>NAME`, then pairs of `<arg_key>` and `<arg_value>`.
inline FamilyCalls glm_calls(std::string_view text, const IsTextParameter& is_text) {
  return calls_of_each(texts_after(text, "<tool_call>"), [&](std::string_view piece) -> std::optional<JsonTree> {
    const auto body = parted(piece, "</tool_call>");
    if (!body) return std::nullopt;
    const std::string_view name = stripped(up_to(body->first, "<arg_key>"));
    if (name.find_first_of(" \t\r\n{\"<") != name.npos) return std::nullopt;
    JsonTree::Object arguments;
    for (const std::string_view pair : texts_after(body->first, "<arg_key>")) {
      const auto parts = parted(pair, "</arg_key>");
      const std::string_view rest = parts ? stripped(parts->second) : std::string_view();
      const std::size_t end = rest.find("</arg_value>");
      constexpr std::string_view kOpening = "<arg_value>";
      if (!rest.starts_with(kOpening) || end == rest.npos) return std::nullopt;
      const std::string_view key = stripped(parts->first);
      arguments.push_back(
          {std::string(key), untyped_value(rest.substr(kOpening.size(), end - kOpening.size()), is_text(name, key))});
    }
    return made_call(JsonTree(std::string(name)), JsonTree(std::move(arguments)));
  });
}

/// Reads values of Gemma 4: texts between `<|"|>` marks, objects with bare keys, arrays, numbers and words.
class Gemma4Values {
 public:
  explicit Gemma4Values(std::string_view text) : rest_(text) {}

  /// Whether all of the text has been read.
  bool done() const { return stripped(rest_).empty(); }

  /// Members up to the closing brace; the opening one has been read.
  std::optional<JsonTree> members(int depth = 64) {
    JsonTree::Object found;
    while (!take("}")) {
      const std::size_t colon = rest_.find(':');
      if (colon == rest_.npos) return std::nullopt;
      std::string key(stripped(rest_.substr(0, colon)));
      rest_.remove_prefix(colon + 1);
      auto item = value(depth - 1);
      if (!item || (!take(",") && !rest_.starts_with('}'))) return std::nullopt;
      found.push_back({std::move(key), std::move(*item)});
    }
    return JsonTree(std::move(found));
  }

 private:
  bool take(std::string_view mark) {
    const bool found = rest_.starts_with(mark);
    if (found) rest_.remove_prefix(mark.size());
    return found;
  }

  std::optional<JsonTree> value(int depth) {
    if (depth == 0) return std::nullopt;
    if (take("<|\"|>")) {
      const auto parts = parted(rest_, "<|\"|>");
      if (!parts) return std::nullopt;
      rest_ = parts->second;
      return JsonTree(std::string(parts->first));
    }
    if (take("{")) return members(depth);
    if (take("[")) {
      JsonTree::Array found;
      while (!take("]")) {
        auto item = value(depth - 1);
        if (!item || (!take(",") && !rest_.starts_with(']'))) return std::nullopt;
        found.push_back(std::move(*item));
      }
      return JsonTree(std::move(found));
    }
    const std::string_view word = rest_.substr(0, std::min(rest_.find_first_of(",]}"), rest_.size()));
    rest_.remove_prefix(word.size());
    return word == "None" ? std::optional(JsonTree()) : parse_json(word);
  }

  std::string_view rest_;
};

/// Gemma 4: `call:NAME{KEY:VALUE,...}` between `<|tool_call>` and `<tool_call|>`.
inline FamilyCalls gemma4_calls(std::string_view text) {
  return calls_of_each(
      texts_between(text, "<|tool_call>", "<tool_call|>"), [](std::string_view piece) -> std::optional<JsonTree> {
        constexpr std::string_view kHead = "call:";
        const auto parts = piece.starts_with(kHead) ? parted(piece.substr(kHead.size()), "{") : std::nullopt;
        if (!parts || !is_word(parts->first, ".-")) return std::nullopt;
        Gemma4Values values(parts->second);
        const auto arguments = values.members();
        return arguments && values.done() ? made_call(JsonTree(std::string(parts->first)), *arguments) : std::nullopt;
      });
}

}  // namespace kvx::inline v0::detail
