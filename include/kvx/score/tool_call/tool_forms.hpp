#pragma once

#include <kvx/core/error.hpp>
#include <kvx/io/json/json.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace kvx::inline v0 {

/// The forms of other engines' calls that are accepted, besides kvx's own object with `name` and `arguments`:
///
/// - `tool_calls`: an object without a name that holds an array of calls;
/// - `function`, `function_call`: an object without a name that holds a call under that member;
/// - `parameters`: the member with the arguments has this name, as Llama 3's chat template asks for;
/// - `string`: `arguments` is a string that holds a JSON object, as in OpenAI's answers;
/// - `missing`: a call without the member `arguments` has no arguments.
class ToolForms {
 public:
  enum Form : unsigned { tool_calls = 1, function = 2, function_call = 4, parameters = 8, string = 16, missing = 32 };

  /// Accepts only kvx's own form.
  constexpr ToolForms() = default;
  explicit constexpr ToolForms(unsigned forms) : forms_(forms) {}
  /// All forms.
  static constexpr ToolForms all() { return ToolForms(63); }

  /// Reads `plain` (none), `auto` (all), or names with + or commas between them. Throws Error for anything else.
  static ToolForms parse(std::string_view text) {
    if (text == "plain") return {};
    if (text == "auto") return all();
    ToolForms forms;
    for (std::size_t pos = 0; pos <= text.size();) {
      const std::size_t end = std::min(text.find_first_of("+,", pos), text.size());
      const std::string_view word = text.substr(pos, end - pos);
      std::size_t i = 0;
      while (i < kNames.size() && kNames[i] != word) ++i;
      if (i == kNames.size())
        throw Error("tool-format",
                    "expected plain, auto, or some of tool_calls, function, function_call, parameters, string and "
                    "missing, found '" +
                        detail::shortened(word, 60) + "'");
      forms.add(Form(1u << i));
      pos = end + 1;
    }
    return forms;
  }

  bool has(Form form) const { return (forms_ & form) != 0; }
  bool empty() const { return forms_ == 0; }
  void add(Form form) { forms_ |= form; }

  /// The names of the forms with + between them; empty for none.
  std::string text() const {
    std::string text;
    for (std::size_t i = 0; i < kNames.size(); ++i)
      if (has(Form(1u << i))) text.append(text.empty() ? "" : "+").append(kNames[i]);
    return text;
  }

  bool operator==(const ToolForms&) const = default;

 private:
  static constexpr std::array<std::string_view, 6> kNames = {"tool_calls", "function", "function_call",
                                                             "parameters", "string",   "missing"};
  unsigned forms_ = 0;
};

/// The forms in which a chat template asks for calls, besides kvx's own.
inline ToolForms tool_forms_in(std::string_view chat_template) {
  const bool parameters = chat_template.find("\"parameters\": dictionary of argument name") != chat_template.npos;
  return parameters ? ToolForms(ToolForms::parameters) : ToolForms();
}

}  // namespace kvx::inline v0
