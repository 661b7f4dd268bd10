#pragma once

#include <kvx/io/json/json.hpp>
#include <kvx/io/json/json_writer.hpp>
#include <kvx/text/chat_message.hpp>
#include <kvx/text/python/python_json.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace kvx::inline v0::detail {

/// The JSON of `messages` in the form that chat templates read, which is OpenAI's. Calls get ids of nine characters,
/// as Mistral's templates require, and the results of tools belong to the calls in their order. `arguments_as_text`:
/// whether the arguments of calls are strings that hold JSON. Throws Error for arguments that are not JSON.
inline std::string messages_json(std::span<const Message> messages, bool arguments_as_text) {
  struct Call {
    std::string id, name;
  };
  std::vector<Call> calls;
  std::size_t answered = 0;
  JsonWriter out;
  out.begin_array();
  for (const Message& message : messages) {
    out.begin_object().key("role").value(message.role).key("content").value(message.content);
    if (!message.tool_calls.empty()) {
      out.key("tool_calls").begin_array();
      for (const ToolCall& call : message.tool_calls) {
        const std::string number = std::to_string(calls.size() + 1);
        calls.push_back({"call00000" + number, call.name});
        std::string& id = calls.back().id;
        id.erase(4, id.size() - 9);
        out.begin_object().key("id").value(id).key("type").value("function").key("function").begin_object();
        const std::string arguments =
            python_json(call.arguments, "arguments of the call of " + shortened(call.name, 60));
        out.key("name").value(call.name).key("arguments");
        arguments_as_text ? out.value(arguments) : out.raw(arguments);
        out.end_object().end_object();
      }
      out.end_array();
    }
    if (message.role == "tool" && answered < calls.size()) {
      const Call& call = calls[answered++];
      out.key("name").value(call.name).key("tool_call_id").value(call.id);
    }
    out.end_object();
  }
  return out.end_array().text();
}

/// The JSON array of `tools`. Throws Error for one that is not JSON.
inline std::string tools_json(const ToolList& tools) {
  JsonWriter out;
  out.begin_array();
  for (std::size_t i = 0; i < tools.size(); ++i) out.raw(python_json(tools[i], "tools[" + std::to_string(i) + "]"));
  return out.end_array().text();
}

/// A chat whose parts carry marks, and the marks with the names of their parts.
struct MarkedChat {
  struct Part {
    std::string name, mark;
  };

  std::vector<Message> messages;
  ToolList tools;
  std::vector<Part> parts = {};
};

/// Appends a mark to the content of each message and to the name of each call, and adds a tool whose name is a mark.
/// `base` is a word that the chat does not have.
inline MarkedChat marked_chat(std::span<const Message> messages, const ToolList& tools, const std::string& base) {
  MarkedChat chat{{messages.begin(), messages.end()}, tools};
  const auto add = [&](std::string name) {
    chat.parts.push_back({std::move(name), base + std::to_string(chat.parts.size()) + "q"});
    return chat.parts.back().mark;
  };
  for (std::size_t i = 0; i < chat.messages.size(); ++i) {
    Message& message = chat.messages[i];
    const std::string of_message = "message " + std::to_string(i + 1);
    if (message.content.find_first_not_of(" \t\r\n") != std::string::npos)
      message.content += add(message.role == "system" ? "the system message" : of_message + " (" + message.role + ")");
    for (std::size_t c = 0; c < message.tool_calls.size(); ++c)
      message.tool_calls[c].name += add("call " + std::to_string(c + 1) + " of " + of_message);
  }
  if (!tools.empty())
    chat.tools.push_back(R"({"type": "function", "function": {"name": ")" + add("the tools") +
                         R"(", "description": "None.", "parameters": {"type": "object", "properties": {}}}})");
  return chat;
}

}  // namespace kvx::inline v0::detail
