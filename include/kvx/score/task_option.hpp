#pragma once

#include <kvx/core/option_value.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <concepts>
#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <vector>

namespace kvx::inline v0 {

/// An option of a task: its name, the member of the task's Options that holds its value, and its help text. The default
/// of the member is the default of the option. The type is a string, a number, a count, a list of words, or bool for a
/// switch.
template <class Options, class Value>
struct TaskOption {
  std::string_view name;
  Value Options::*member;
  std::string_view help;
  std::string_view aliases = {};  ///< other names, separated by commas
  bool is_example_file = false;   ///< a path that the task needs and whose default exists only in kvx's source folder
};
template <class Options, class Value>
TaskOption(std::string_view, Value Options::*, std::string_view, std::string_view = {}, bool = false)
    -> TaskOption<Options, Value>;

/// A task that is made from options: T::Options has defaults, and options() is a tuple of TaskOption.
template <class T>
concept HasOptions = requires(typename T::Options options) {
                       T::Options::options();
                       T(options);
                     };

/// An option of one or several tasks, with its default as text.
struct OptionText {
  std::string name, aliases, help;
  std::string preset;                     ///< the default
  bool is_switch = false;                 ///< only for the command line, so that no file can turn it on
  std::vector<std::string> tasks;         ///< the tasks that have the option
  std::vector<std::string> file_tasks{};  ///< the tasks for which it is an example file
};

/// The values of options as text, by name.
using OptionTexts = std::map<std::string, std::string>;

namespace detail {

/// The text of an empty list of words, which selects all.
inline constexpr std::string_view kAllWords = "all";

template <class Value>
std::string option_text(const Value& value) {
  if constexpr (std::same_as<Value, std::string>) {
    return value;
  } else if constexpr (std::same_as<Value, bool>) {
    return value ? "true" : "false";
  } else if constexpr (std::is_arithmetic_v<Value>) {
    std::array<char, 32> text;
    return {text.data(), std::to_chars(text.data(), text.data() + text.size(), value).ptr};
  } else {
    std::string words;
    for (const std::string& word : value) words.append(words.empty() ? "" : ",").append(word);
    return words.empty() ? std::string(kAllWords) : words;
  }
}

template <class Value>
void read_option(const std::string& name, const std::string& text, Value& value) {
  if constexpr (std::same_as<Value, std::string>) {
    value = text;
  } else if constexpr (std::same_as<Value, bool>) {
    value = flag_of(name, text);
  } else if constexpr (std::same_as<Value, double>) {
    value = number_of(name, text);
  } else if constexpr (std::same_as<Value, std::size_t>) {
    value = whole_of(name, text, 0);
  } else {
    value.clear();
    for (std::size_t pos = 0; text != kAllWords && pos < text.size();) {
      const std::size_t end = std::min(text.find(',', pos), text.size());
      const std::string word = text.substr(pos, end - pos);
      const std::size_t first = std::min(word.find_first_not_of(" \t"), word.size());
      value.push_back(word.substr(first, word.find_last_not_of(" \t") + 1 - first));
      pos = end + 1;
    }
  }
}

}  // namespace detail

/// The options of a task, with their defaults as text; empty if it has none.
template <class T>
std::vector<OptionText> options_of() {
  std::vector<OptionText> all;
  if constexpr (HasOptions<T>) {
    const typename T::Options defaults;
    const auto add = [&](const auto& option) {
      all.push_back({std::string(option.name),
                     std::string(option.aliases),
                     std::string(option.help),
                     detail::option_text(defaults.*option.member),
                     std::same_as<std::remove_cvref_t<decltype(defaults.*option.member)>, bool>,
                     {std::string(T::name)}});
      if (option.is_example_file) all.back().file_tasks = all.back().tasks;
    };
    std::apply([&](const auto&... option) { (add(option), ...); }, T::Options::options());
  }
  return all;
}

/// A task with the options that `texts` names, and the defaults of the others. Throws Error, naming the option, for
/// an invalid value.
template <class T>
T make_task(const OptionTexts& texts) {
  if constexpr (HasOptions<T>) {
    typename T::Options options;
    const auto read = [&](const auto& option) {
      const std::string name(option.name);
      if (const auto text = texts.find(name); text != texts.end())
        detail::read_option(name, text->second, options.*option.member);
    };
    std::apply([&](const auto&... option) { (read(option), ...); }, T::Options::options());
    return T(options);
  } else {
    return T();
  }
}

}  // namespace kvx::inline v0
