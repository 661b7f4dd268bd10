#pragma once

#include <kvx/text/chat_message.hpp>
#include <kvx/text/template_items.hpp>

#include <cstddef>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// A chat template that prints every message in the same form: its role and content between fixed texts. ChatML is one.
struct TurnTemplate {
  std::string start;           ///< before all messages
  std::string before_default;  ///< before each message, and before the default system message
  std::string default_system;  ///< after before_default, if the first message is not a system message
  std::string before_role, after_role, after_content;
  std::string before_answer;  ///< after all messages
  std::string answer_start;   ///< after before_answer, if an answer follows
  std::string end;

  static TurnTemplate chatml() {
    TurnTemplate turns;
    turns.before_role = "<|im_start|>";
    turns.after_role = "\n";
    turns.after_content = "<|im_end|>\n";
    turns.answer_start = "<|im_start|>assistant\n";
    return turns;
  }

  /// Reads a Jinja template; nullopt if it is of another kind. `bos_token` is the tokenizer's, if it has one.
  static std::optional<TurnTemplate> recognize(std::span<const detail::TemplateItem> items,
                                               const std::optional<std::string>& bos_token);

  std::string render(std::span<const Message> messages, bool add_generation_prompt) const {
    std::string out = start;
    for (std::size_t i = 0; i < messages.size(); ++i) {
      out += before_default;
      if (i == 0 && messages[i].role != "system") out += default_system;
      out += before_role + messages[i].role + after_role + messages[i].content + after_content;
    }
    return out + before_answer + (add_generation_prompt ? answer_start : "") + end;
  }

  /// The text before the content of a system message.
  std::string system_opening() const { return start + before_default + before_role + "system" + after_role; }
  /// The text after a user's content, if an answer follows.
  std::string answer_opening() const { return after_content + before_answer + answer_start + end; }
};

namespace detail {

/// Takes a template's items one by one. After an unexpected item it takes nothing more and has failed.
class ItemTaker {
 public:
  using Kind = TemplateItem::Kind;
  explicit ItemTaker(std::span<const TemplateItem> items) : rest_(items) {}

  bool done() const { return rest_.empty() && !failed_; }
  bool takes(Kind kind, std::string_view text) {
    const bool found = !rest_.empty() && rest_.front().kind == kind && rest_.front().text == text;
    if (found) rest_ = rest_.subspan(1);
    return found;
  }
  void take(Kind kind, std::string_view text) {
    if (!takes(kind, text)) fail();
  }
  std::string take_text() {
    if (rest_.empty() || rest_.front().kind != Kind::text) return {};
    const std::string& text = rest_.front().text;
    rest_ = rest_.subspan(1);
    return text;
  }
  /// Takes text and bos_token, the token that begins a sequence. If it is not set, Jinja prints nothing for it, and
  /// fails to join it to a string.
  std::string take_start(const std::optional<std::string>& bos_token) {
    std::string out = take_text();
    while (!rest_.empty() && rest_.front().kind == Kind::value && rest_.front().text == "bos_token") {
      if (!bos_token && rest_.front().joined) fail();
      if (!rest_.empty()) rest_ = rest_.subspan(1);
      out += bos_token.value_or("") + take_text();
    }
    return out;
  }

 private:
  void fail() {
    failed_ = true;
    rest_ = {};
  }

  std::span<const TemplateItem> rest_;
  bool failed_ = false;
};

}  // namespace detail

inline std::optional<TurnTemplate> TurnTemplate::recognize(std::span<const detail::TemplateItem> items,
                                                           const std::optional<std::string>& bos_token) {
  using Kind = detail::ItemTaker::Kind;
  detail::ItemTaker taker(items);
  TurnTemplate turns;
  if (taker.takes(Kind::statement, "if not add_generation_prompt is defined")) {  // always defined
    taker.take(Kind::statement, "set add_generation_prompt = false");
    taker.take(Kind::statement, "endif");
  }
  turns.start = taker.take_start(bos_token);
  taker.take(Kind::statement, "for message in messages");
  turns.before_role = taker.take_text();
  if (taker.takes(Kind::statement, "if loop . first and messages [ 0 ] . role != \"system\"")) {
    turns.before_default = std::exchange(turns.before_role, {});
    turns.default_system = taker.take_text();
    taker.take(Kind::statement, "endif");
    turns.before_role = taker.take_text();
  }
  taker.take(Kind::value, "message . role");
  turns.after_role = taker.take_text();
  taker.take(Kind::value, "message . content");
  turns.after_content = taker.take_text();
  taker.take(Kind::statement, "endfor");
  turns.before_answer = taker.take_text();
  taker.take(Kind::statement, "if add_generation_prompt");
  turns.answer_start = taker.take_text();
  taker.take(Kind::statement, "endif");
  turns.end = taker.take_text();
  return taker.done() ? std::optional(turns) : std::nullopt;
}

}  // namespace kvx::inline v0
