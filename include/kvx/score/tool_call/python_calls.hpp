#pragma once

#include <kvx/io/json/json_number.hpp>
#include <kvx/io/json/json_tokens.hpp>
#include <kvx/io/json/json_tree.hpp>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace kvx::inline v0 {

namespace detail {

/// Reads literals of Python, and also of JSON, from the beginning of a text.
class PythonLiterals {
 public:
  explicit PythonLiterals(std::string_view text) : rest_(text) {}

  /// Skips white space. If the text then begins with `c`, skips it and returns true.
  bool take(char c) {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\r\n"), rest_.size()));
    const bool found = rest_.starts_with(c);
    if (found) rest_.remove_prefix(1);
    return found;
  }

  /// The text that is not read yet.
  std::string_view rest() const { return rest_; }

  /// The text before the next `c`, without white space around it; skips `c`. nullopt if the text is blank or one of
  /// `excluded` comes first.
  std::optional<std::string> take_until(char c, std::string_view excluded) {
    const std::size_t end = rest_.find_first_of(std::string(excluded) + c);
    if (end == rest_.npos || rest_[end] != c) return std::nullopt;
    const std::string_view name = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    const std::size_t first = name.find_first_not_of(" \t\r\n");
    if (first == name.npos) return std::nullopt;
    return std::string(name.substr(first, name.find_last_not_of(" \t\r\n") + 1 - first));
  }

  /// Calls item() for each item up to `close`. Items are separated by commas, and a comma may follow the last one.
  template <class Item>
  bool take_items(char close, Item&& item) {
    while (!take(close)) {
      if (!item()) return false;
      if (!take(',')) return take(close);
    }
    return true;
  }

  std::optional<JsonTree> value(int depth = 64) {
    if (depth == 0) return std::nullopt;
    if (take('"')) return string('"');
    if (take('\'')) return string('\'');
    if (const bool list = take('['); list || take('(')) {
      JsonTree::Array elements;
      const bool whole = take_items(list ? ']' : ')', [&] {
        auto element = value(depth - 1);
        if (element) elements.push_back(std::move(*element));
        return element.has_value();
      });
      return whole ? std::optional(JsonTree(std::move(elements))) : std::nullopt;
    }
    if (take('{')) {
      JsonTree::Object members;
      const bool whole = take_items('}', [&] {
        const auto name = value(depth - 1);
        auto member = name && name->string() != nullptr && take(':') ? value(depth - 1) : std::nullopt;
        if (member) members.push_back({*name->string(), std::move(*member)});
        return member.has_value();
      });
      return whole ? std::optional(JsonTree(std::move(members))) : std::nullopt;
    }
    return word();
  }

 private:
  std::optional<JsonTree> word() {
    const std::string_view word = rest_.substr(0, std::min(rest_.find_first_of(" \t\r\n,)]}:"), rest_.size()));
    rest_.remove_prefix(word.size());
    if (word == "None" || word == "null") return JsonTree();
    if (word == "True" || word == "true") return JsonTree(true);
    if (word == "False" || word == "false") return JsonTree(false);
    if (is_json_number(word)) return JsonTree(JsonNumber(std::string(word)));
    return std::nullopt;
  }

  std::optional<JsonTree> string(char quote) {
    constexpr std::string_view kNames = "\\'\"/bfnrt", kMeanings = "\\'\"/\b\f\n\r\t";
    std::string text;
    while (!rest_.empty()) {
      const char c = rest_.front();
      rest_.remove_prefix(1);
      if (c == quote) return JsonTree(std::move(text));
      if (c != '\\' || rest_.empty()) {
        text += c;
        continue;
      }
      const char escape = rest_.front();
      if (const auto index = kNames.find(escape); index != kNames.npos) {
        text += kMeanings[index];
        rest_.remove_prefix(1);
      } else if (const auto code = escape == 'u' ? hex4(rest_.substr(1)) : std::nullopt) {
        append_code_point(*code, text);
        rest_.remove_prefix(5);
      } else {
        text += c;  // as in Python, the backslash is kept
      }
    }
    return std::nullopt;
  }

  std::string_view rest_;
};

}  // namespace detail

namespace detail {

/// Takes calls from the beginning of a text; nullopt for anything else.
inline std::optional<JsonTree::Array> take_python_calls(std::string_view& text) {
  PythonLiterals literals(text);
  JsonTree::Array calls;
  if (!literals.take('[')) return std::nullopt;
  const bool whole = literals.take_items(']', [&] {
    const auto name = literals.take_until('(', "[]{}\"'=)");
    JsonTree::Object arguments;
    const bool read = name && literals.take_items(')', [&] {
      const auto argument = literals.take_until('=', "()[]{}\"',");
      auto value = argument ? literals.value() : std::nullopt;
      if (value) arguments.push_back({*argument, std::move(*value)});
      return value.has_value();
    });
    if (read)
      calls.push_back(
          JsonTree(JsonTree::Object{{"name", JsonTree(*name)}, {"arguments", JsonTree(std::move(arguments))}}));
    return read;
  });
  if (!whole) return std::nullopt;
  text = literals.rest();
  return calls;
}

/// Whether a text begins with `[NAME(`, as a list of calls does.
inline bool begins_as_call(std::string_view text) {
  const std::size_t open = text.find_first_of("()[]{}\"'=,\n", 1);
  return text.starts_with('[') && open != text.npos && text[open] == '(' && open > 1 && text[open - 1] != ' ';
}

}  // namespace detail

/// The calls of a text in Python's syntax, `[NAME(ARGUMENT=LITERAL, ...), ...]`, each as an object with `name` and
/// `arguments`. Any words may be before, between and after such lists. The result is empty if there is no list, or only
/// empty ones. A name may be any text, even with blanks. Returns nullopt if something begins like a call but cannot be
/// read.
inline std::optional<JsonTree::Array> python_calls(std::string_view text) {
  JsonTree::Array all;
  for (std::size_t open; (open = text.find('[')) != text.npos;) {
    text.remove_prefix(open);
    std::string_view rest = text;
    if (auto calls = detail::take_python_calls(rest)) {
      std::move(calls->begin(), calls->end(), std::back_inserter(all));
      text = rest;
    } else {
      if (detail::begins_as_call(text)) return std::nullopt;
      text.remove_prefix(1);
    }
  }
  return all;
}

}  // namespace kvx::inline v0
