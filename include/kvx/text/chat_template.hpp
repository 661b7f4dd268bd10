#pragma once

#include <kvx/core/error.hpp>
#include <kvx/core/hash.hpp>
#include <kvx/io/file_kind.hpp>
#include <kvx/io/json/json.hpp>
#include <kvx/io/mapped_file.hpp>
#include <kvx/text/chat_json.hpp>
#include <kvx/text/chat_message.hpp>
#include <kvx/text/jinja_renderer.hpp>
#include <kvx/text/native_template.hpp>
#include <kvx/text/template_files.hpp>
#include <kvx/text/template_options.hpp>
#include <kvx/text/tokenizer_files.hpp>
#include <kvx/text/utf8.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// The form of the chats that a model expects, a Jinja template. Templates that kvx knows by their whole text are
/// rendered by kvx itself; for all others a JinjaRenderer is started when the first chat is rendered. Copies share it.
class ChatTemplate {
 public:
  /// The template of a model directory: chosen_template() of chat_templates_in(). Throws Error if there is none.
  static ChatTemplate load(const std::string& model_dir, const TemplateOptions& options = {}) {
    const TemplateVariables variables(options.variables);
    const auto templates = chat_templates_in(model_dir);
    if (const NamedTemplate* chosen = chosen_template(templates, variables.tools.has_value()))
      return of_text(chosen->text, chosen->where, options, TokenizerFiles(model_dir).named_tokens_json());
    std::string found;
    for (const NamedTemplate& named : templates) found.append(found.empty() ? "" : ", ").append(named.name);
    throw Error(model_dir + "/tokenizer_config.json",
                (found.empty() ? "no chat template" : "expected a chat template named default, found " + found) +
                    "; choose one by --template chatml|none");
  }

  /// A Jinja template from `where`. `special_tokens` is a JSON object with the tokenizer's named tokens. Throws Error
  /// for a file of another kind and for wrong options.
  static ChatTemplate of_text(std::string jinja, std::string where, const TemplateOptions& options = {},
                              std::string special_tokens = "{}") {
    if (const auto kind = detail::file_kind(jinja); !kind.empty())
      throw Error(where, std::string("expected a chat template, found ").append(kind));
    check_utf8(jinja, where);
    ChatTemplate chat(std::move(where), options);
    const NativeTemplate* native = native_template_of(jinja);
    if (native != nullptr && chat.variables_.members == "{}" && (!chat.variables_.tools || native->has_tools)) {
      chat.native_ = native;
    } else {
      chat.jinja_ = std::move(jinja);
      chat.special_tokens_ = std::move(special_tokens);
      chat.now_ = options.now.empty() ? detail::local_time() : options.now;
      chat.renderer_ = std::make_shared<JinjaRenderer>(options.program);
    }
    return chat;
  }

  /// The template called `name`: `none` (only the contents of the messages) or a native template. Throws Error for
  /// other names, and for variables.
  static ChatTemplate parse_name(std::string_view name, const TemplateOptions& options = {}) {
    ChatTemplate chat("template " + std::string(name), options);
    chat.native_ = native_template(name);
    if (chat.native_ == nullptr && name != "none") {
      std::string names;
      for (const NativeTemplate& native : native_templates()) names.append(native.name).append(", ");
      throw Error("template",
                  "expected " + names + "none or a file with a chat template, found " + detail::shortened(name, 60));
    }
    if (chat.variables_.members != "{}")
      throw Error("template-vars",
                  "expected none for the template " + std::string(name) + ", which reads no variables");
    return chat;
  }

  /// The template of --template: a name, or a file with a Jinja template; if `choice` is empty, the model's own.
  static ChatTemplate choose(const std::string& choice, const std::string& model_dir,
                             const TemplateOptions& options = {}) {
    if (choice.empty()) return load(model_dir, options);
    if (!is_file(choice)) return parse_name(choice, options);
    return of_text(std::string(MappedFile(choice).text()), choice, options,
                   TokenizerFiles(model_dir).named_tokens_json());
  }

  /// Whether a value of --template is a file and not a name.
  static bool is_file(const std::string& choice) {
    return choice != "none" && native_template(choice) == nullptr && file_exists(choice);
  }

  /// none, the name of a native template, or jinja.
  std::string name() const { return native_ != nullptr ? std::string(native_->name) : is_none() ? "none" : "jinja"; }
  /// Whether the contents of messages are joined without any marks, as plain text.
  bool is_none() const { return native_ == nullptr && renderer_ == nullptr; }
  /// Whether kvx renders the template itself.
  bool is_native() const { return renderer_ == nullptr; }
  /// File and field of the template, or its name.
  const std::string& where() const { return where_; }
  /// The variables that the template does not mention.
  std::vector<std::string> unread_variables() const {
    std::vector<std::string> unread;
    for (const std::string& name : variables_.names)
      if (jinja_.find(name) == std::string::npos) unread.push_back(name);
    return unread;
  }
  /// All that the texts of chats depend on besides the name and the messages, for a key.
  std::string settings() const {
    const std::string tools = variables_.tools ? " tools=" + detail::tools_json(*variables_.tools) : "";
    if (is_native()) return tools;
    std::string text = " jinja=" + std::to_string(fnv1a(special_tokens_, fnv1a(jinja_)));
    if (variables_.members != "{}") text += " template_vars=" + variables_.members;
    if (jinja_.find("strftime_now") != std::string::npos) text += " date=" + now_.substr(0, 10);
    return text + tools;
  }

  /// The text of `messages`. `tools` are those of the options if empty. Throws Error for what the template refuses or
  /// leaves out: messages, calls or tools; JinjaError if the template itself fails.
  std::string render(std::span<const Message> messages, const ToolList& tools = {},
                     bool add_generation_prompt = true) const {
    const ToolList& given = tools.empty() && variables_.tools ? *variables_.tools : tools;
    const std::string text = rendered(messages, given, add_generation_prompt);
    if (is_native()) return text;
    std::string base = "Kq7Zx";
    while (text.find(base) != text.npos) base += "Zx";
    const detail::MarkedChat marked = detail::marked_chat(messages, given, base);
    const std::string with_marks = rendered(marked.messages, marked.tools, add_generation_prompt);
    for (const auto& [name, mark] : marked.parts)
      if (with_marks.find(mark) == with_marks.npos) throw Error(where_, "the chat template leaves out " + name);
    return text;
  }

  /// The same without the check that nothing is left out.
  std::string rendered(std::span<const Message> messages, const ToolList& tools, bool add_generation_prompt) const {
    if (native_ != nullptr) return native_->render(messages, tools, add_generation_prompt);
    std::string out;
    if (is_none()) {
      detail::check_roles(messages, tools, false);
      for (const Message& message : messages) out += message.content;
      return out;
    }
    JinjaRequest request{.jinja = jinja_,
                         .messages = detail::messages_json(messages, false),
                         .special_tokens = special_tokens_,
                         .variables = variables_.members,
                         .add_generation_prompt = add_generation_prompt,
                         .now = now_};
    if (!tools.empty() || variables_.tools) request.tools = detail::tools_json(tools);
    const bool has_calls = std::ranges::any_of(messages, [](const auto& some) { return !some.tool_calls.empty(); });
    try {
      return renderer_->render(request, where_);
    } catch (const JinjaError& error) {
      if (!has_calls) throw;
      request.messages = detail::messages_json(messages, true);  // some templates join arguments to strings
      try {
        return renderer_->render(request, where_);
      } catch (const JinjaError&) {
        throw error;
      }
    }
  }

  /// The tools of the options; empty if there are none.
  const ToolList& tools() const {
    static const ToolList kNone;
    return variables_.tools ? *variables_.tools : kNone;
  }

  /// The marks around a user's message, such as `<|im_start|>`. Each should be one token.
  std::vector<std::string> marks() const {
    std::vector<std::string> marks;
    const std::vector<Message> user = {{"user", "Hi", {}}};
    const std::string text = rendered(user, tools(), true);
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
  ChatTemplate(std::string where, const TemplateOptions& options)
      : where_(std::move(where)), variables_(options.variables) {}

  std::string where_;
  TemplateVariables variables_;
  const NativeTemplate* native_ = nullptr;
  std::string jinja_, special_tokens_, now_;
  std::shared_ptr<JinjaRenderer> renderer_;
};

}  // namespace kvx::inline v0
