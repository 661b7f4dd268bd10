#pragma once

#include <CLI/CLI.hpp>
#include <kvx/core/error.hpp>
#include <kvx/core/near_miss.hpp>
#include <kvx/core/option_value.hpp>
#include <kvx/score/task_option.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvx_cli {

/// The values of options as text, by name.
using Texts = kvx::OptionTexts;

/// An option, bound to a variable.
struct BoundOption {
  std::vector<std::string> names;     ///< without dashes; the first is its name, the others are aliases
  std::string help, group;            ///< `group`: its heading in --help
  std::optional<std::string> preset;  ///< the default; none: the variable keeps its value
  bool is_switch = false;             ///< --NAME and --no-NAME, without a value
  bool is_in_files = true;            ///< whether a file may set it; if not, --no-NAME does not exist either
  std::function<void(const std::string&)> read;

  const std::string& name() const { return names.front(); }
  std::string flags() const {
    std::string all;
    for (const auto& name : names) all.append(all.empty() ? "--" : ",--").append(name);
    return all;
  }
};

/// Options for a command line and for files, each bound to a variable with a default and a help text.
class BoundOptions {
 public:
  /// The heading of the options that are added from now on.
  void group(std::string name) { group_ = std::move(name); }

  /// Binds the option to `value`, whose present value is the default. `names` are separated by commas. A bool becomes a
  /// switch. A whole number is from `least` to `most`.
  template <class T>
  void add(std::string_view names, T& value, std::string help, std::size_t least = 0, double most = kvx::kMaxWhole) {
    BoundOption& option = add_function(names, kvx::option_text(value), std::move(help), {});
    option.is_switch = std::same_as<T, bool>;
    option.read = [name = option.name(), &value, least, most](const std::string& text) {
      kvx::read_option(name, text, value, least, most);
    };
  }
  /// The same for an option without a default.
  template <class T>
  void add(std::string_view names, std::optional<T>& value, std::string help, std::size_t least = 0) {
    BoundOption& option = add_function(names, std::nullopt, std::move(help), {});
    option.read = [name = option.name(), &value, least](const std::string& text) {
      kvx::read_option(name, text, value.emplace(), least);
    };
  }
  /// An option that is read by a function of its own, which throws kvx::Error for a wrong value.
  BoundOption& add_function(std::string_view names, std::optional<std::string> preset, std::string help,
                            std::function<void(const std::string&)> read) {
    BoundOption& option = options_.emplace_back();
    option.names = kvx::words_of(names);
    option.help = std::move(help);
    option.group = group_;
    option.preset = std::move(preset);
    option.read = std::move(read);
    return option;
  }

  const std::vector<BoundOption>& all() const { return options_; }

  /// Declares all options to a command line, which writes their texts into `given`. The option `positional` has no
  /// flag: it is a word. This object and `given` outlive the parsing.
  void declare(CLI::App& app, Texts& given, std::string_view positional = "") const {
    for (const BoundOption& option : options_) {
      const auto take = [&given, &option](const std::string& text) { given[option.name()] = text; };
      if (!option.is_switch) {
        const std::string flags = option.name() == positional ? option.name() : option.flags();
        CLI::Option* const declared = app.add_option_function<std::string>(flags, take, option.help);
        if (!option.preset.value_or("").empty()) declared->default_str(*option.preset);
        declared->group(option.group);
        continue;
      }
      app.add_flag_callback(
             "--" + option.name(), [take] { take("true"); }, option.help)
          ->disable_flag_override()
          ->group(option.group);
      if (option.is_in_files)
        app.add_flag_callback(
               "--no-" + option.name(), [take] { take("false"); }, option.preset == "true" ? "do not" : "the default")
            ->disable_flag_override()
            ->group(option.group);
    }
  }

  /// The option that a file means by `name`, with - or _. Throws kvx::Error with the nearest name if there is none.
  const BoundOption& in_file(const std::string& path, std::string name) const {
    const std::string given = name;
    std::replace(name.begin(), name.end(), '_', '-');
    std::vector<std::string_view> known;
    for (const BoundOption& option : options_) {
      if (!option.is_in_files) continue;
      for (const auto& other : option.names) {
        if (other == name) return option;
        known.push_back(other);
      }
    }
    throw kvx::Error(path, "unknown option " + given + kvx::near_miss(name, known));
  }

  /// The defaults as text.
  Texts presets() const {
    Texts texts;
    for (const BoundOption& option : options_)
      if (option.preset) texts[option.name()] = *option.preset;
    return texts;
  }

  /// Gives every variable its value in `texts`. Throws kvx::Error, naming the option, for a wrong one.
  void read(const Texts& texts) const {
    for (const BoundOption& option : options_)
      if (const auto text = texts.find(option.name()); text != texts.end()) option.read(text->second);
  }

 private:
  std::vector<BoundOption> options_;
  std::string group_ = "Options";
};

}  // namespace kvx_cli
