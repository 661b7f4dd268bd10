#pragma once

#include <kvx/io/json/json_tree.hpp>
#include <kvx/io/json/json_tree_parse.hpp>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// The calls of an answer in the form of a family of models: objects with `name`, a text, and `arguments`, an object.
struct FamilyCalls {
  JsonTree::Array calls = {};
  bool complete = true;  ///< false: something begins like a call and cannot be read
};

/// Whether a parameter of a tool is declared as a string.
using IsTextParameter = std::function<bool(std::string_view tool, std::string_view parameter)>;

namespace detail {

inline constexpr std::string_view kCallBlanks = " \t\r\n\f\v";

/// A text without the blanks at its ends.
inline std::string_view stripped(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kCallBlanks);
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(kCallBlanks) + 1 - first);
}

/// The texts before and after the first `mark`; nullopt without one.
inline std::optional<std::pair<std::string_view, std::string_view>> parted(std::string_view text,
                                                                           std::string_view mark) {
  const std::size_t at = text.find(mark);
  if (at == text.npos) return std::nullopt;
  return std::pair(text.substr(0, at), text.substr(at + mark.size()));
}

/// The text before the first `mark`, or all of it.
inline std::string_view up_to(std::string_view text, std::string_view mark) { return text.substr(0, text.find(mark)); }

/// The texts between `mark`s, from the first mark on.
inline std::vector<std::string_view> texts_after(std::string_view text, std::string_view mark) {
  std::vector<std::string_view> texts;
  for (auto parts = parted(text, mark); parts; parts = parted(parts->second, mark))
    texts.push_back(up_to(parts->second, mark));
  return texts;
}

/// The texts after each `opening`, up to `end`, the next opening or the end of the text, without blanks around them.
inline std::vector<std::string_view> texts_between(std::string_view text, std::string_view opening,
                                                   std::string_view end) {
  std::vector<std::string_view> texts = texts_after(text, opening);
  for (std::string_view& piece : texts) piece = stripped(up_to(piece, end));
  return texts;
}

/// The length of the JSON object or array at the beginning of a text; nullopt if there is none.
inline std::optional<std::size_t> json_length(std::string_view text) {
  std::size_t depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      i += c == '\\';
      in_string = c != '"';
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if (c == '}' || c == ']') {
      if (depth == 0) return std::nullopt;
      if (--depth == 0) return parse_json(text.substr(0, i + 1)) ? std::optional(i + 1) : std::nullopt;
    }
    if (depth == 0 && !in_string) return std::nullopt;
  }
  return std::nullopt;
}

/// texts_between() for JSON, whose strings may contain the marks. Complete JSON needs no `end` after it.
inline std::vector<std::string_view> json_between(std::string_view text, std::string_view opening,
                                                  std::string_view end) {
  std::vector<std::string_view> texts;
  for (std::size_t at = text.find(opening); at != text.npos;) {
    std::string_view rest = text.substr(at + opening.size());
    rest.remove_prefix(std::min(rest.find_first_not_of(kCallBlanks), rest.size()));
    std::size_t stop = std::min({rest.find(end), rest.find(opening), rest.size()});
    if (const auto whole = json_length(rest)) {
      const std::string_view after = stripped(rest.substr(*whole));
      if (after.empty() || after.starts_with(end) || after.starts_with(opening)) stop = *whole;
    }
    texts.push_back(rest.substr(0, stop));
    at = text.find(opening, static_cast<std::size_t>(rest.data() - text.data()) + stop);
  }
  return texts;
}

/// A call; nullopt unless the name is a text and the arguments are an object or a text that holds one.
inline std::optional<JsonTree> made_call(const JsonTree& name, const JsonTree& arguments) {
  std::optional<JsonTree> members = arguments;
  if (arguments.string() != nullptr) members = parse_json(*arguments.string());
  if (!members || members->object() == nullptr || name.string() == nullptr || name.string()->empty())
    return std::nullopt;
  return JsonTree(JsonTree::Object{{"name", name}, {"arguments", std::move(*members)}});
}
inline std::optional<JsonTree> made_call(std::string_view name, std::string_view arguments) {
  const auto tree = parse_json(arguments);
  return tree ? made_call(JsonTree(std::string(name)), *tree) : std::nullopt;
}

/// The call of an object whose name is in the member `name`.
inline std::optional<JsonTree> call_of_object(const JsonTree& object, std::string_view name = "name") {
  const JsonTree *called = object.find(name), *arguments = object.find("arguments");
  if (arguments == nullptr) arguments = object.find("parameters");
  return called == nullptr || arguments == nullptr ? std::nullopt : made_call(*called, *arguments);
}

/// The calls of a JSON array of objects.
inline std::optional<JsonTree::Array> calls_of_array(std::string_view text, std::string_view name = "name") {
  const auto tree = parse_json(text);
  if (!tree || tree->array() == nullptr) return std::nullopt;
  JsonTree::Array calls;
  for (const JsonTree& object : *tree->array()) {
    auto call = call_of_object(object, name);
    if (!call) return std::nullopt;
    calls.push_back(std::move(*call));
  }
  return calls;
}

/// The calls that read(piece) finds, an optional call or optional array of calls for each piece.
template <class Read>
FamilyCalls calls_of_each(const std::vector<std::string_view>& pieces, Read&& read) {
  FamilyCalls all;
  for (const std::string_view piece : pieces) {
    auto found = read(piece);
    if (!found) {
      all.complete = false;
    } else if constexpr (requires { found->begin(); }) {
      for (JsonTree& call : *found) all.calls.push_back(std::move(call));
    } else {
      all.calls.push_back(std::move(*found));
    }
  }
  return all;
}

/// Whether a text consists of letters, digits, underscores, characters beyond ASCII and `others`.
inline bool is_word(std::string_view text, std::string_view others = "") {
  return !text.empty() && std::ranges::all_of(text, [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' || (c & 0x80) != 0 ||
           others.find(c) != others.npos;
  });
}

/// The value of an argument whose type is not written: JSON, or a word of Python; any other text is itself. With
/// `is_text`, every text is itself.
inline JsonTree untyped_value(std::string_view text, bool is_text) {
  const std::string_view word = stripped(text);
  if (is_text) return JsonTree(std::string(text));
  if (word == "True" || word == "False") return JsonTree(word == "True");
  if (word == "None") return {};
  if (auto tree = parse_json(text)) return std::move(*tree);
  return JsonTree(std::string(text));
}

}  // namespace detail

}  // namespace kvx::inline v0
