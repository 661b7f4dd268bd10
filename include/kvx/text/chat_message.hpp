#pragma once

#include <string>
#include <vector>

namespace kvx::inline v0 {

/// A call of a tool in an assistant's message.
struct ToolCall {
  std::string name;
  std::string arguments;  // JSON text
};

/// One turn of a chat.
struct Message {
  std::string role;  // system, user, assistant or tool
  std::string content;
  std::vector<ToolCall> tool_calls;
};

/// Definitions of the tools that may be called, each a JSON text.
using ToolList = std::vector<std::string>;

}  // namespace kvx::inline v0
