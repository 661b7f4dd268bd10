#pragma once

#include <kvx/core/error.hpp>
#include <kvx/text/chat_message.hpp>
#include <kvx/text/chat_template.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

namespace detail {

inline std::size_t common_prefix(std::string_view a, std::string_view b) {
  return static_cast<std::size_t>(std::ranges::mismatch(a, b).in1 - a.begin());
}
inline std::size_t common_suffix(std::string_view a, std::string_view b) {
  std::size_t size = 0;
  while (size < a.size() && size < b.size() && a[a.size() - size - 1] == b[b.size() - size - 1]) ++size;
  return size;
}
inline bool continues_character(std::string_view text, std::size_t at) {
  return at < text.size() && (text[at] & 0xc0) == 0x80;
}

/// The place in `rendered` of byte `offset` of a message's content. It needs no knowledge of the template:
/// render_with(content) renders the chat with another content of the message, and marks in it show the place. If the
/// ends of the content were trimmed, so that no text is where the marks are, the place is the nearest one. Throws
/// Error, naming `where`, if the template changes the content in other ways.
template <class RenderWith>
std::size_t place_in(const std::string& rendered, std::string_view content, std::size_t offset,
                     RenderWith&& render_with, std::string_view where) {
  // The marks of a pair have the same length, and their first and last characters differ.
  std::pair<std::string, std::string> marks = {"Kq7Zx", "Wj3Vb"};
  while (rendered.find(marks.first) != rendered.npos || rendered.find(marks.second) != rendered.npos)
    marks = {marks.first + "7Hx", marks.second + "5Tb"};
  const auto with_mark = [&](const std::string& mark) {
    return std::string(render_with(std::string(content).insert(offset, mark)));
  };
  const std::string first = with_mark(marks.first), second = with_mark(marks.second);
  const std::size_t before = common_prefix(first, second);
  const std::string_view tail = std::string_view(first).substr(before);
  const std::size_t after = common_suffix(tail, std::string_view(second).substr(before));
  const std::string_view suffix = tail.substr(tail.size() - after);
  const bool verbatim = tail.substr(0, tail.size() - after) == marks.first;
  if (verbatim && rendered.size() == before + after && rendered.starts_with(first.substr(0, before)) &&
      rendered.ends_with(suffix))
    return before;
  std::size_t latest = common_prefix(rendered, std::string_view(first).substr(0, before)),
              earliest = rendered.size() - common_suffix(rendered, suffix);
  while (continues_character(rendered, latest)) --latest;
  while (continues_character(rendered, earliest)) ++earliest;
  if (earliest > latest)
    throw Error(where,
                "expected a chat template that prints the text of a message, found one that changes it, so "
                "that the end of the context is unknown; choose another one by --template");
  return content.substr(0, offset).find_first_not_of(" \t\r\n\f\v") == content.npos ? latest : earliest;
}

}  // namespace detail

/// A rendered chat, split where the context ends. The two parts are tokenized separately.
struct ChatParts {
  std::string context;   // with all text before it
  std::string question;  // with the end of its turn, the opening of the answer and the answer prefix
};

/// A rendered chat of a system prompt, if it is not empty, and one message of a user, after which an answer begins.
class OneTurnChat {
 public:
  /// Throws Error as ChatTemplate::render() does. `chat` outlives the object.
  OneTurnChat(const ChatTemplate& chat, std::string_view system, std::string_view user)
      : chat_(chat), system_(system), user_(user), text_(chat.render(messages(system_, user_))) {}

  OneTurnChat(ChatTemplate&&, std::string_view, std::string_view) = delete;

  const std::string& text() const { return text_; }
  /// Where a byte of the system prompt or of the user's message is in the text. Throws Error if the template changes
  /// the message.
  std::size_t place_in_system(std::size_t offset) const {
    return detail::place_in(
        text_, system_, offset, [&](const std::string& content) { return rendered(content, user_); }, chat_.where());
  }
  std::size_t place_in_user(std::size_t offset) const {
    return detail::place_in(
        text_, user_, offset, [&](const std::string& content) { return rendered(system_, content); }, chat_.where());
  }

 private:
  static std::vector<Message> messages(const std::string& system, const std::string& user) {
    std::vector<Message> messages;
    if (!system.empty()) messages.push_back({"system", system, {}});
    messages.push_back({"user", user, {}});
    return messages;
  }
  std::string rendered(const std::string& system, const std::string& user) const {
    return chat_.rendered(messages(system, user), chat_.tools(), true);
  }

  const ChatTemplate& chat_;
  std::string system_, user_, text_;
};

/// Renders a chat with one user message, `context` and then `question`. With an empty `system`, the template's default
/// is used.
inline ChatParts split_chat(const ChatTemplate& chat, std::string_view system, std::string_view context,
                            std::string_view question, std::string_view answer_prefix) {
  const OneTurnChat turn(chat, system, std::string(context).append(question));
  const std::size_t cut = turn.place_in_user(context.size());
  return {turn.text().substr(0, cut), turn.text().substr(cut).append(answer_prefix)};
}

}  // namespace kvx::inline v0
