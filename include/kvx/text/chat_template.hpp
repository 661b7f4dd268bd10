#pragma once

#include <kvx/core/error.hpp>
#include <kvx/core/hash.hpp>
#include <kvx/io/json.hpp>
#include <kvx/io/mapped_file.hpp>
#include <kvx/text/chat_message.hpp>
#include <kvx/text/python_json.hpp>
#include <kvx/text/template_marks.hpp>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// How a model wants a chat written. Templates are Jinja programs; kvx runs none but recognises those it knows and
/// renders them natively: ChatML, with or without a default system prompt (SmolLM2, Qwen2), and Qwen2.5's with tools.
class ChatTemplate {
 public:
  /// The template of MODEL_DIR/chat_template.jinja or else of tokenizer_config.json there. Throws Error when there is
  /// none or kvx does not know it.
  static ChatTemplate load(const std::string& model_dir) {
    const std::string file = model_dir + "/chat_template.jinja", config = model_dir + "/tokenizer_config.json";
    std::error_code code;
    if (std::filesystem::exists(file, code)) return recognise(MappedFile(file).text(), file);
    if (std::filesystem::exists(config, code)) {
      const auto document = JsonDocument::load(config);
      if (const auto value = document.root().find("chat_template")) {
        if (value->is_string()) return recognise(value->string(), value->where());
        std::optional<ChatTemplate> found;
        value->each_element([&](const JsonValue& named) {
          if (named.at("name").string() == "default")
            found = recognise(named.at("template").string(), named.where() + ".template");
        });
        if (found) return *found;
      }
    }
    throw Error(config, "no chat template; choose one by --template chatml|none");
  }

  /// Throws Error for a template that kvx does not know; `where` names it.
  static ChatTemplate recognise(std::string_view jinja, std::string_view where) {
    using detail::between;
    const std::string text = detail::reduce_template(jinja);
    constexpr std::string_view kTurns =
        "{{<|im_start|>messagerole\nmessagecontent<|im_end|>\n}}{%endfor%}{%ifadd_generation_prompt%}"
        "{{<|im_start|>assistant\n}}{%endif%}";
    const std::string begin = "{%formessageinmessages%}";
    if (text == begin + std::string(kTurns)) return ChatTemplate(Kind::chatml);
    const std::string if_none = begin + "{%ifloopfirstandmessages0role!=system%}{{<|im_start|>system\n";
    if (const auto system = between(text, if_none, "<|im_end|>\n}}"))
      if (text == if_none + *system + "<|im_end|>\n}}{%endif%}" + std::string(kTurns))
        return ChatTemplate(Kind::chatml, *system);
    if (const auto system = between(text, "{{messages0content}}{%else%}{{", "}}{%endif%}"))
      if (is_qwen2_5(text, *system)) return ChatTemplate(Kind::qwen2_5, *system);
    throw Error(where, "a chat template that kvx does not know; choose one by --template chatml|none");
  }

  /// The template of that name: chatml, none (contents follow each other bare) or qwen2.5.
  static ChatTemplate parse_name(std::string_view name) {
    if (name == "chatml") return ChatTemplate(Kind::chatml);
    if (name == "none") return ChatTemplate(Kind::none);
    if (name == "qwen2.5")
      return ChatTemplate(Kind::qwen2_5, "You are Qwen, created by Alibaba Cloud. You are a helpful assistant.");
    throw Error("template", "expected chatml, none or qwen2.5, found " + detail::shortened(name, 60));
  }

  /// The text of `messages`, which begins with the template's default system prompt if it has one and the first message
  /// is no system message. Throws Error for tools and tool calls where the template has no place for them, and where
  /// they are not JSON.
  std::string render(std::span<const Message> messages, const ToolList& tools, bool add_generation_prompt) const {
    check(messages, tools);
    std::string out;
    if (kind_ == Kind::none) {
      for (const Message& message : messages) out += message.content;
      return out;
    }
    const bool has_system = !messages.empty() && messages[0].role == "system";
    if (const auto system = has_system ? messages[0].content : default_system_)
      out += "<|im_start|>system\n" + *system + (tools.empty() ? "" : tools_section(tools)) + "<|im_end|>\n";
    for (std::size_t i = has_system; i < messages.size(); ++i) {
      const Message& message = messages[i];
      if (kind_ == Kind::qwen2_5 && message.role == "tool") {
        const auto is_tool = [&](std::size_t j) { return j < messages.size() && messages[j].role == "tool"; };
        if (!is_tool(i - 1)) out += "<|im_start|>user";
        out += "\n<tool_response>\n" + message.content + "\n</tool_response>";
        if (!is_tool(i + 1)) out += "<|im_end|>\n";
      } else {
        out += "<|im_start|>" + message.role;
        if (!message.content.empty() || message.tool_calls.empty()) out += "\n" + message.content;
        for (const ToolCall& call : message.tool_calls)
          out += "\n<tool_call>\n{\"name\": \"" + call.name + "\", \"arguments\": " +
                 python_json(call.arguments, "arguments of the call of " + detail::shortened(call.name, 60)) +
                 "}\n</tool_call>";
        out += "<|im_end|>\n";
      }
    }
    if (add_generation_prompt) out += "<|im_start|>assistant\n";
    return out;
  }

  /// What stands before the system message.
  std::string_view system_opening() const { return kind_ == Kind::none ? "" : "<|im_start|>system\n"; }
  /// What stands between a user's last words and the answer.
  std::string_view answer_opening() const { return kind_ == Kind::none ? "" : "<|im_end|>\n<|im_start|>assistant\n"; }

 private:
  enum class Kind { none, chatml, qwen2_5 };
  static constexpr std::string_view kToolsBegin =
      "\n\n# Tools\n\nYou may call one or more functions to assist with the user query.\n\nYou are provided with "
      "function signatures within <tools></tools> XML tags:\n<tools>";
  static constexpr std::string_view kToolsEnd =
      "\n</tools>\n\nFor each function call, return a json object with function name and arguments within "
      "<tool_call></tool_call> XML tags:\n<tool_call>\n{\"name\": <function-name>, \"arguments\": "
      "<args-json-object>}\n</tool_call>";

  explicit ChatTemplate(Kind kind, std::optional<std::string> default_system = std::nullopt)
      : kind_(kind), default_system_(std::move(default_system)) {}

  /// Whether a reduced template, its default system prompt cut out wherever it stands, is Qwen2.5's.
  static bool is_qwen2_5(std::string text, std::string_view system) {
    for (std::size_t at; !system.empty() && (at = text.find(system)) != text.npos;) text.erase(at, system.size());
    return fnv1a(text) == 0xe3551cfc7c9fee06;
  }

  void check(std::span<const Message> messages, const ToolList& tools) const {
    const auto roles = {"system", "user", "assistant", "tool"};
    for (const Message& message : messages) {
      if (std::ranges::find(roles, message.role) == roles.end())
        throw Error("role", "expected system, user, assistant or tool, found " + detail::shortened(message.role, 60));
      if (!message.tool_calls.empty() && (kind_ != Kind::qwen2_5 || message.role != "assistant"))
        throw Error("tool_calls", "this chat template has no place for them in a message of role " +
                                      detail::shortened(message.role, 60));
    }
    if (!tools.empty() && kind_ != Kind::qwen2_5) throw Error("tools", "this chat template has no place for them");
  }

  static std::string tools_section(const ToolList& tools) {
    std::string out(kToolsBegin);
    for (std::size_t i = 0; i < tools.size(); ++i)
      out += "\n" + python_json(tools[i], "tools[" + std::to_string(i) + "]");
    return out += kToolsEnd;
  }

  Kind kind_;
  std::optional<std::string> default_system_;
};

/// A rendered chat, cut where the context ends. The two parts are tokenized apart.
struct ChatParts {
  std::string context;   // from the beginning
  std::string question;  // with the end of its turn, the opening of the answer and the answer prefix
};

/// A chat whose one user turn is `context`, then `question`. An empty `system` leaves the template's default.
inline ChatParts split_chat(const ChatTemplate& chat, std::string_view system, std::string_view context,
                            std::string_view question, std::string_view answer_prefix) {
  std::vector<Message> messages;
  if (!system.empty()) messages.push_back({"system", std::string(system), {}});
  messages.push_back({"user", std::string(context).append(question), {}});
  std::string text = chat.render(messages, {}, true);
  const std::size_t cut = text.size() - chat.answer_opening().size() - question.size();
  return {text.substr(0, cut), text.substr(cut).append(answer_prefix)};
}

}  // namespace kvx::inline v0
