#pragma once

#include <kvx/core/error.hpp>
#include <kvx/core/hash.hpp>
#include <kvx/io/json/json.hpp>
#include <kvx/text/chat_message.hpp>
#include <kvx/text/python/python_json.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace kvx::inline v0 {

/// A chat template that kvx renders itself. All of them print a message as ChatML does, between `<|im_start|>ROLE` and
/// `<|im_end|>`.
struct NativeTemplate {
  std::string_view name, models;
  std::string_view default_system;  ///< the system prompt of chats that begin with another message; empty: none
  bool has_tools = false;           ///< whether it prints tools and calls, as Qwen2.5 does

  /// The text of `messages`, as Jinja2 renders the template. Throws Error for roles, tools and calls that the template
  /// does not support, and for tools and arguments that are not JSON.
  std::string render(std::span<const Message> messages, const ToolList& tools, bool add_generation_prompt) const;
};

/// The templates that kvx renders itself.
inline std::span<const NativeTemplate> native_templates() {
  static constexpr std::array<NativeTemplate, 4> kTemplates = {
      {{"chatml", "OpenHermes-2.5, Dolphin and other models of plain ChatML, kvx's example model", ""},
       {"qwen2", "Qwen2 Instruct", "You are a helpful assistant."},
       {"qwen2.5", "Qwen2.5 Instruct, Qwen2.5-Coder Instruct",
        "You are Qwen, created by Alibaba Cloud. You are a helpful assistant.", true},
       {"smollm2", "SmolLM2 Instruct", "You are a helpful AI assistant named SmolLM, trained by Hugging Face"}}};
  return kTemplates;
}

/// The template called `name`; nullptr if there is none.
inline const NativeTemplate* native_template(std::string_view name) {
  const auto all = native_templates();
  const auto found = std::ranges::find(all, name, &NativeTemplate::name);
  return found == all.end() ? nullptr : &*found;
}

/// A line for each native template: its name and the models that have it.
inline std::string native_templates_text() {
  std::string text;
  for (const NativeTemplate& native : native_templates())
    text.append(native.name).append(std::string(12 - native.name.size(), ' ')).append(native.models).append("\n");
  return text + "All other templates are rendered by Jinja2, which needs python3, python3-jinja2 and bubblewrap.\n";
}

/// The native template of a Jinja template; nullptr if kvx does not know it. Every byte of the text counts: templates
/// that differ by a blank may print something else.
inline const NativeTemplate* native_template_of(std::string_view jinja) {
  struct Known {
    std::size_t bytes;
    std::uint64_t hash;  // FNV-1a of the text
    std::string_view name;
  };
  static constexpr std::array<Known, 10> kKnown = {{{193, 0xb6439d23cf78d425, "chatml"},
                                                    {196, 0x88bf4138d5c826f0, "chatml"},
                                                    {199, 0xa41d6bae9b9141bc, "chatml"},
                                                    {291, 0x773d13e188afc917, "chatml"},
                                                    {294, 0x17fde6ecda9c7c01, "chatml"},
                                                    {328, 0x8a87094e0e1e24c5, "qwen2"},
                                                    {333, 0x75e88977b2787cd7, "qwen2"},
                                                    {2507, 0xc2b27ee60f1b8775, "qwen2.5"},
                                                    {368, 0x45ec583d4d25bc3a, "smollm2"},
                                                    {373, 0x9b5156a5cf6abfc, "smollm2"}}};
  for (const Known& known : kKnown)
    if (jinja.size() == known.bytes && fnv1a(jinja) == known.hash) return native_template(known.name);
  return nullptr;
}

namespace detail {

/// Throws Error for an unknown role, and for tools and calls that the template does not print.
inline void check_roles(std::span<const Message> messages, const ToolList& tools, bool has_tools) {
  const auto roles = {"system", "user", "assistant", "tool"};
  for (const Message& message : messages) {
    if (std::ranges::find(roles, message.role) == roles.end())
      throw Error("role", "expected system, user, assistant or tool, found " + shortened(message.role, 60));
    if (!message.tool_calls.empty() && (!has_tools || message.role != "assistant"))
      throw Error("tool_calls",
                  "this chat template does not support them in a message of role " + shortened(message.role, 60));
  }
  if (!tools.empty() && !has_tools) throw Error("tools", "this chat template does not support them");
}

/// The text about tools that Qwen2.5's template adds to the system prompt.
inline std::string qwen2_5_tools(const ToolList& tools) {
  if (tools.empty()) return "";
  std::string out =
      "\n\n# Tools\n\nYou may call one or more functions to assist with the user query.\n\nYou are provided with "
      "function signatures within <tools></tools> XML tags:\n<tools>";
  for (std::size_t i = 0; i < tools.size(); ++i)
    out += "\n" + python_json(tools[i], "tools[" + std::to_string(i) + "]");
  return out +
         "\n</tools>\n\nFor each function call, return a json object with function name and arguments within "
         "<tool_call></tool_call> XML tags:\n<tool_call>\n{\"name\": <function-name>, \"arguments\": "
         "<args-json-object>}\n</tool_call>";
}

/// The text that Qwen2.5's template prints for the messages after the system prompt.
inline std::string qwen2_5_turns(std::span<const Message> messages) {
  std::string out;
  const auto is_tool = [&](std::size_t i) { return i < messages.size() && messages[i].role == "tool"; };
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const Message& message = messages[i];
    if (is_tool(i)) {
      if (!is_tool(i - 1)) out += "<|im_start|>user";
      out += "\n<tool_response>\n" + message.content + "\n</tool_response>";
      if (!is_tool(i + 1)) out += "<|im_end|>\n";
      continue;
    }
    out += "<|im_start|>" + message.role;
    if (!message.content.empty() || message.tool_calls.empty()) out += "\n" + message.content;
    for (const ToolCall& call : message.tool_calls)
      out += "\n<tool_call>\n{\"name\": \"" + call.name + "\", \"arguments\": " +
             python_json(call.arguments, "arguments of the call of " + shortened(call.name, 60)) + "}\n</tool_call>";
    out += "<|im_end|>\n";
  }
  return out;
}

}  // namespace detail

inline std::string NativeTemplate::render(std::span<const Message> messages, const ToolList& tools,
                                          bool add_generation_prompt) const {
  detail::check_roles(messages, tools, has_tools);
  std::string out;
  const auto add = [&](std::string_view role, std::string_view content) {
    out.append("<|im_start|>").append(role).append("\n").append(content).append("<|im_end|>\n");
  };
  const bool has_system = !messages.empty() && messages[0].role == "system";
  if (has_tools) {
    add("system", (has_system ? messages[0].content : std::string(default_system)) + detail::qwen2_5_tools(tools));
    out += detail::qwen2_5_turns(messages.subspan(has_system));
  } else {
    if (!messages.empty() && !has_system && !default_system.empty()) add("system", default_system);
    for (const Message& message : messages) add(message.role, message.content);
  }
  return out + (add_generation_prompt ? "<|im_start|>assistant\n" : "");
}

}  // namespace kvx::inline v0
