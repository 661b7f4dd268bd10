#pragma once

#include <kvx/core/option_value.hpp>

#include <concepts>
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
  std::string_view example = {};  ///< a path in kvx's example data, which the drivers take as the default
};
template <class Options, class Value>
TaskOption(std::string_view, Value Options::*, std::string_view, std::string_view = {}, std::string_view = {})
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
  std::string preset;              ///< the default
  std::string example;             ///< as in TaskOption; may be empty
  bool is_switch = false;          ///< only for the command line, so that no file can turn it on
  std::vector<std::string> tasks;  ///< the tasks that have the option
};

/// The values of options as text, by name.
using OptionTexts = std::map<std::string, std::string>;

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
                     option_text(defaults.*option.member),
                     std::string(option.example),
                     std::same_as<std::remove_cvref_t<decltype(defaults.*option.member)>, bool>,
                     {std::string(T::name)}});
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
        read_option(name, text->second, options.*option.member);
    };
    std::apply([&](const auto&... option) { (read(option), ...); }, T::Options::options());
    return T(options);
  } else {
    return T();
  }
}

}  // namespace kvx::inline v0
