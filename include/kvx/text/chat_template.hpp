#pragma once

#include <kvx/core/error.hpp>
#include <kvx/core/hash.hpp>
#include <kvx/io/file_kind.hpp>
#include <kvx/io/json/json.hpp>
#include <kvx/text/chat_message.hpp>
#include <kvx/text/python/python_json.hpp>
#include <kvx/text/template_files.hpp>
#include <kvx/text/template_items.hpp>
#include <kvx/text/tokenizer_files.hpp>
#include <kvx/text/turn_template.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// The form of the chats that a model expects. Models have Jinja programs for it. kvx does not run them; it recognizes
/// the ones that it knows and renders these chats itself: templates that print all messages in the same form, such as
/// ChatML, with or without a default system prompt (SmolLM2, Qwen2), and Qwen2.5's template with tools.
class ChatTemplate {
 public:
  /// The template of MODEL_DIR/chat_template.jinja or, without that file, of MODEL_DIR/tokenizer_config.json. Throws
  /// Error if there is none or kvx does not know it.
  static ChatTemplate load(const std::string& model_dir) {
    const auto bos_token = TokenizerFiles(model_dir).named_token("bos_token");
    const auto templates = chat_templates_in(model_dir);
    const auto found = std::ranges::find(templates, "default", &NamedTemplate::name);
    if (found != templates.end()) return recognize(found->text, found->where, bos_token);
    throw Error(model_dir + "/tokenizer_config.json", "no chat template; choose one by --template chatml|none");
  }

  /// Recognizes a Jinja template. Throws Error, naming `where`, if kvx does not know it. `bos_token` is the
  /// tokenizer's, if it has one.
  static ChatTemplate recognize(std::string_view jinja, std::string_view where,
                                const std::optional<std::string>& bos_token = {}) {
    if (const auto items = detail::template_items(jinja)) {
      if (auto turns = TurnTemplate::recognize(*items, bos_token)) return ChatTemplate(Kind::turns, std::move(*turns));
      if (auto system = qwen2_5_system(*items)) return ChatTemplate(Kind::qwen2_5, qwen2_5_turns(std::move(*system)));
    }
    if (const auto kind = detail::file_kind(jinja); !kind.empty())
      throw Error(where, std::string("expected a chat template, found ").append(kind));
    throw Error(where, "a chat template that kvx does not know; choose one by --template chatml|none");
  }

  /// The template called `name`: chatml, none (only the contents of the messages) or qwen2.5. Throws Error for other
  /// names.
  static ChatTemplate parse_name(std::string_view name) {
    if (name == "chatml") return ChatTemplate(Kind::turns, TurnTemplate::chatml());
    if (name == "none") return ChatTemplate(Kind::none, {});
    if (name == "qwen2.5")
      return ChatTemplate(Kind::qwen2_5,
                          qwen2_5_turns("You are Qwen, created by Alibaba Cloud. You are a helpful assistant."));
    throw Error("template", "expected chatml, none or qwen2.5, found " + detail::shortened(name, 60));
  }

  /// Whether the contents of messages are joined without any marks, as plain text.
  bool is_none() const { return kind_ == Kind::none; }

  /// The text of `messages`. It begins with the template's default system prompt, if there is one and the first message
  /// is not a system message. Throws Error for tools and tool calls that the template does not support or that are not
  /// JSON.
  std::string render(std::span<const Message> messages, const ToolList& tools, bool add_generation_prompt) const {
    check(messages, tools);
    std::string out;
    if (kind_ == Kind::none) {
      for (const Message& message : messages) out += message.content;
      return out;
    }
    if (kind_ == Kind::turns) return turns_.render(messages, add_generation_prompt);
    const bool has_system = !messages.empty() && messages[0].role == "system";
    out += "<|im_start|>system\n" + (has_system ? messages[0].content : turns_.default_system) +
           (tools.empty() ? "" : tools_section(tools)) + "<|im_end|>\n";
    for (std::size_t i = has_system; i < messages.size(); ++i) {
      const Message& message = messages[i];
      if (message.role == "tool") {
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

  /// The text before the content of a system message.
  std::string system_opening() const { return is_none() ? "" : turns_.system_opening(); }
  /// The text between the content of a user's message and the answer.
  std::string answer_opening() const { return turns_.answer_opening(); }

  /// The marks in the template's texts, such as `<|im_start|>`. Each should be one token.
  std::vector<std::string> marks() const {
    std::vector<std::string> marks;
    const std::string text = is_none() ? "" : system_opening() + answer_opening();
    for (std::size_t pos = 0; (pos = text.find("<|", pos)) != text.npos;) {
      const std::size_t end = text.find("|>", pos);
      if (end == text.npos) break;
      const std::string mark = text.substr(pos, end + 2 - pos);
      if (std::ranges::find(marks, mark) == marks.end()) marks.push_back(mark);
      pos = end + 2;
    }
    return marks;
  }

 private:
  enum class Kind { none, turns, qwen2_5 };
  static constexpr std::string_view kToolsBegin =
      "\n\n# Tools\n\nYou may call one or more functions to assist with the user query.\n\nYou are provided with "
      "function signatures within <tools></tools> XML tags:\n<tools>";
  static constexpr std::string_view kToolsEnd =
      "\n</tools>\n\nFor each function call, return a json object with function name and arguments within "
      "<tool_call></tool_call> XML tags:\n<tool_call>\n{\"name\": <function-name>, \"arguments\": "
      "<args-json-object>}\n</tool_call>";

  /// `turns` has the texts around a message; for Qwen2.5, default_system is only the content of the system message.
  ChatTemplate(Kind kind, TurnTemplate turns) : kind_(kind), turns_(std::move(turns)) {}

  static TurnTemplate qwen2_5_turns(std::string default_system) {
    TurnTemplate turns = TurnTemplate::chatml();
    turns.default_system = std::move(default_system);
    return turns;
  }

  /// The default system prompt of a template whose items are otherwise those of Qwen2.5's; nullopt for other templates.
  static std::optional<std::string> qwen2_5_system(std::span<const detail::TemplateItem> items) {
    using Step = detail::TemplateItem::Kind;
    const auto else_item = std::ranges::find(items, detail::TemplateItem{Step::statement, "else"});
    if (items.end() - else_item < 2 || else_item[1].kind != Step::text) return std::nullopt;
    const std::string& system = else_item[1].text;
    std::uint64_t hash = fnv1a("");
    for (const detail::TemplateItem& item : items) {
      std::string text = item.text;
      for (std::size_t pos = 0; (pos = text.find(system, pos)) != text.npos;) text.erase(pos, system.size());
      hash = fnv1a(text, fnv1a(item.kind == Step::text ? "'" : item.kind == Step::value ? "=" : "%", hash));
    }
    return hash == 0x8b73c21a59410eac ? std::optional(system) : std::nullopt;
  }

  void check(std::span<const Message> messages, const ToolList& tools) const {
    const auto roles = {"system", "user", "assistant", "tool"};
    for (const Message& message : messages) {
      if (std::ranges::find(roles, message.role) == roles.end())
        throw Error("role", "expected system, user, assistant or tool, found " + detail::shortened(message.role, 60));
      if (!message.tool_calls.empty() && (kind_ != Kind::qwen2_5 || message.role != "assistant"))
        throw Error("tool_calls", "this chat template does not support them in a message of role " +
                                      detail::shortened(message.role, 60));
    }
    if (!tools.empty() && kind_ != Kind::qwen2_5) throw Error("tools", "this chat template does not support them");
  }

  static std::string tools_section(const ToolList& tools) {
    std::string out(kToolsBegin);
    for (std::size_t i = 0; i < tools.size(); ++i)
      out += "\n" + python_json(tools[i], "tools[" + std::to_string(i) + "]");
    return out += kToolsEnd;
  }

  Kind kind_;
  TurnTemplate turns_;
};

/// A rendered chat, split where the context ends. The two parts are tokenized separately.
struct ChatParts {
  std::string context;   // with all text before it
  std::string question;  // with the end of its turn, the opening of the answer and the answer prefix
};

/// Renders a chat with one user message, `context` and then `question`. With an empty `system`, the template's default
/// is used.
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
