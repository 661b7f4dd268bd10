#pragma once

#include <kvx/io/json/json_tree.hpp>
#include <kvx/io/json/json_tree_parse.hpp>
#include <kvx/score/tool_call/call_pieces.hpp>
#include <kvx/score/tool_call/python_calls.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// Calls whose arguments are a JSON object or Python's keyword arguments. A text has no end marks at its end.
namespace kvx::inline v0::detail {

inline std::optional<JsonTree> call_of_text(std::string_view text) {
  const auto tree = parse_json(text);
  return tree ? call_of_object(*tree) : std::nullopt;
}

/// `<tool_call>{"name": .., "arguments": {..}}</tool_call>`, repeated.
inline FamilyCalls hermes_calls(std::string_view text) {
  return calls_of_each(json_between(text, "<tool_call>", "</tool_call>"), call_of_text);
}

/// `[f(a="b", c=1), g()]`; nullopt for anything else.
inline std::optional<JsonTree::Array> keyword_calls(std::string_view text) {
  text = stripped(text);
  auto calls = take_python_calls(text);
  const auto is_named = [](const JsonTree& call) { return is_word(*call.find("name")->string(), ".-"); };
  if (!calls || calls->empty() || !stripped(text).empty() || !std::ranges::all_of(*calls, is_named))
    return std::nullopt;
  return calls;
}

/// `{"name": .., "parameters": {..}}`, perhaps after `<|python_tag|>`, several with `;` between them; or, after that
/// tag, `NAME.call(a="b")`.
inline FamilyCalls llama3_calls(std::string_view text) {
  constexpr std::string_view kTag = "<|python_tag|>", kCall = ".call(";
  const bool tagged = text.starts_with(kTag);
  if (tagged) text = stripped(text.substr(kTag.size()));
  const auto builtin = parted(text, kCall);
  if (tagged && builtin && is_word(builtin->first) && text.ends_with(')')) {
    const std::string list = "[" + std::string(builtin->first) + "(" + std::string(builtin->second) + "]";
    return calls_of_each({list}, keyword_calls);
  }
  std::vector<std::string_view> pieces;
  while (text.starts_with('{') || (!pieces.empty() && !text.empty())) {
    const std::size_t length = json_length(text).value_or(text.size());
    pieces.push_back(text.substr(0, length));
    text = stripped(text.substr(length));
    if (text.starts_with(';')) text = stripped(text.substr(1));
  }
  return calls_of_each(pieces, call_of_text);
}

/// Llama 3.2: the whole answer is a list of calls in Python's syntax. LFM2: such lists are between
/// `<|tool_call_start|>` and `<|tool_call_end|>`.
inline FamilyCalls pythonic_calls(std::string_view text) {
  constexpr std::string_view kStart = "<|python_start|>", kEnd = "<|python_end|>", kList = "<|tool_call_start|>";
  if (text.find(kList) != text.npos)
    return calls_of_each(texts_between(text, kList, "<|tool_call_end|>"), keyword_calls);
  if (text.starts_with(kStart)) text.remove_prefix(kStart.size());
  if (text.ends_with(kEnd)) text.remove_suffix(kEnd.size());
  text = stripped(text);
  const std::string_view name = text.empty() ? text : stripped(up_to(text.substr(1), "("));
  const bool begins = text.starts_with('[') && text.find('(') != text.npos && is_word(name, ".");
  return begins ? calls_of_each({text}, keyword_calls) : FamilyCalls();
}

/// `[TOOL_CALLS] [{"name": .., "arguments": {..}}]`; since version 11, `[TOOL_CALLS]NAME[ARGS]{..}`, perhaps with
/// `[CALL_ID]ID` after the name.
inline FamilyCalls mistral_calls(std::string_view text) {
  return calls_of_each(texts_between(text, "[TOOL_CALLS]", "[TOOL_CALLS]"),
                       [](std::string_view piece) -> std::optional<JsonTree::Array> {
                         if (piece.starts_with('[')) return calls_of_array(piece);
                         const auto parts = parted(piece, "[ARGS]");
                         auto call = parts ? made_call(stripped(up_to(parts->first, "[CALL_ID]")), parts->second)
                                           : std::nullopt;
                         return call ? std::optional(JsonTree::Array{std::move(*call)}) : std::nullopt;
                       });
}

inline std::optional<JsonTree::Array> named_calls(std::string_view text) { return calls_of_array(text); }

/// `<|tool_call|>[{"name": .., "arguments": {..}}]<|/tool_call|>`, or such a list after `functools`.
inline FamilyCalls phi_calls(std::string_view text) {
  if (text.find("<|tool_call|>") != text.npos)
    return calls_of_each(json_between(text, "<|tool_call|>", "<|/tool_call|>"), named_calls);
  auto pieces = texts_between(text, "functools", "functools");
  std::erase_if(pieces, [](std::string_view piece) { return !piece.starts_with('['); });
  return calls_of_each(pieces, named_calls);
}

/// A list of calls after `<|tool_call|>` or `<tool_call>`.
inline FamilyCalls granite_calls(std::string_view text) {
  const bool bars = text.find("<|tool_call|>") != text.npos;
  return calls_of_each(json_between(text, bars ? "<|tool_call|>" : "<tool_call>", "</tool_call>"), named_calls);
}

/// `<function=NAME>{..}</function>`
inline FamilyCalls functionary_v3_1_calls(std::string_view text) {
  return calls_of_each(texts_between(text, "<function=", "</function>"),
                       [](std::string_view piece) -> std::optional<JsonTree> {
                         const auto parts = parted(piece, ">");
                         return parts ? made_call(parts->first, parts->second) : std::nullopt;
                       });
}

/// `>>>NAME`, a line end and the arguments. `all` is text, and `python` is code. The prompt ends with the first `>>>`.
inline FamilyCalls functionary_v3_2_calls(std::string_view text) {
  std::vector<std::string_view> pieces = {up_to(text, ">>>")};
  const auto later = texts_after(text, ">>>");
  pieces.insert(pieces.end(), later.begin(), later.end());
  std::erase_if(pieces, [](std::string_view piece) {
    const std::string_view line = up_to(piece, "\n"), name = line.substr(0, line.find_last_not_of(" \t") + 1);
    return !is_word(name, ".-") || (name[0] >= '0' && name[0] <= '9') || name == "all" || name == "python";
  });
  return calls_of_each(pieces, [](std::string_view piece) -> std::optional<JsonTree> {
    const auto parts = parted(piece, "\n");
    return parts ? made_call(stripped(parts->first), parts->second) : std::nullopt;
  });
}

/// gpt-oss: messages of a header, `<|message|>` and a body. The header of a call has `to=functions.NAME`.
inline FamilyCalls harmony_calls(std::string_view text) {
  std::vector<std::string_view> messages = {up_to(text, "<|start|>")};
  const auto later = texts_after(text, "<|start|>");
  messages.insert(messages.end(), later.begin(), later.end());
  constexpr std::string_view kTo = "to=functions.";
  std::erase_if(messages,
                [&](std::string_view message) { return up_to(message, "<|message|>").find(kTo) == message.npos; });
  return calls_of_each(messages, [&](std::string_view message) -> std::optional<JsonTree> {
    const auto parts = parted(message, "<|message|>");
    if (!parts) return std::nullopt;
    std::string_view name = parts->first.substr(parts->first.find(kTo) + kTo.size()), body = parts->second;
    name = name.substr(0, name.find_first_of(" \t\r\n<"));
    for (const char* end : {"<|call|>", "<|end|>", "<|return|>"}) body = up_to(body, end);
    return made_call(name, body);
  });
}

/// "Action: " and a fenced list of `{"tool_name": .., "parameters": {..}}`. `directly_answer` is no call.
inline FamilyCalls command_r_calls(std::string_view text) {
  const auto action = parted(text, "Action:");
  const auto fence =
      action && stripped(action->second).starts_with("```json") ? parted(action->second, "```json") : std::nullopt;
  if (!fence) return {};
  FamilyCalls found = calls_of_each({stripped(up_to(fence->second, "```"))},
                                    [](std::string_view piece) { return calls_of_array(piece, "tool_name"); });
  std::erase_if(found.calls, [](const JsonTree& call) {
    const std::string& name = *call.find("name")->string();
    return name == "directly_answer" || name == "directly-answer";
  });
  return found;
}

/// A list of `{"tool_call_id": .., "tool_name": .., "parameters": {..}}` between `<|START_ACTION|>` and
/// `<|END_ACTION|>`.
inline FamilyCalls command_r7b_calls(std::string_view text) {
  return calls_of_each(json_between(text, "<|START_ACTION|>", "<|END_ACTION|>"),
                       [](std::string_view piece) { return calls_of_array(piece, "tool_name"); });
}

/// DeepSeek-V3 and R1: `function`, a separator, the name and the fenced arguments. V3.1: the name, a separator and the
/// arguments.
inline FamilyCalls deepseek_calls(std::string_view text) {
  return calls_of_each(texts_between(text, "<｜tool▁call▁begin｜>", "<｜tool▁call▁end｜>"),
                       [](std::string_view piece) -> std::optional<JsonTree> {
                         const auto parts = parted(piece, "<｜tool▁sep｜>");
                         if (!parts) return std::nullopt;
                         constexpr std::string_view kFence = "\n```json\n", kEnd = "\n```";
                         const std::string_view rest = stripped(parts->second);
                         const auto fenced = parted(rest, kFence);
                         if (!fenced || !rest.ends_with(kEnd)) return made_call(stripped(parts->first), rest);
                         return made_call(stripped(fenced->first),
                                          fenced->second.substr(0, fenced->second.size() - kEnd.size()));
                       });
}

/// `<|tool_call_begin|>functions.NAME:0<|tool_call_argument_begin|>{..}<|tool_call_end|>`
inline FamilyCalls kimi_calls(std::string_view text) {
  return calls_of_each(
      texts_between(text, "<|tool_call_begin|>", "<|tool_call_end|>"),
      [](std::string_view piece) -> std::optional<JsonTree> {
        const auto parts = parted(piece, "<|tool_call_argument_begin|>");
        const auto head = parts ? parted(stripped(parts->first), ":") : std::nullopt;
        if (!head || head->second.empty() || head->second.find_first_not_of("0123456789") != std::string_view::npos)
          return std::nullopt;
        constexpr std::string_view kSpace = "functions.";
        std::string_view name = head->first;
        if (name.starts_with(kSpace)) name.remove_prefix(kSpace.size());
        return made_call(name, parts->second);
      });
}

/// `<TOOLCALL>[{"name": .., "arguments": {..}}]</TOOLCALL>`
inline FamilyCalls nemotron_calls(std::string_view text) {
  return calls_of_each(json_between(text, "<TOOLCALL>", "</TOOLCALL>"), named_calls);
}

/// The whole answer is an object or a list of them, perhaps fenced.
inline FamilyCalls json_calls(std::string_view text) {
  constexpr std::string_view kFence = "```", kName = "json";
  if (text.size() >= 2 * kFence.size() && text.starts_with(kFence) && text.ends_with(kFence)) {
    text = text.substr(kFence.size(), text.size() - 2 * kFence.size());
    if (text.starts_with(kName)) text.remove_prefix(kName.size());
    text = stripped(text);
  }
  if (text.starts_with('[')) return calls_of_each({text}, named_calls);
  return text.starts_with('{') ? calls_of_each({text}, call_of_text) : FamilyCalls();
}

}  // namespace kvx::inline v0::detail
