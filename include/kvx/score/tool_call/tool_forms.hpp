#pragma once

#include <kvx/core/error.hpp>
#include <kvx/io/json/json.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace kvx::inline v0 {

/// The forms of calls that are accepted besides kvx's own, an object with `name` and `arguments`.
///
/// Forms of that object:
/// - `tool_calls`: an object without a name that holds an array of calls;
/// - `function`, `function_call`: an object without a name that holds a call under that member;
/// - `parameters`: the member with the arguments has this name, as Llama 3's chat template asks for;
/// - `string`: `arguments` is a string that holds a JSON object, as in OpenAI's answers;
/// - `missing`: a call without the member `arguments` has no arguments.
///
/// Forms in which families of models write calls, each named after a family (read_family() describes them): `hermes`
/// (also Qwen2.5 and Qwen3), `llama3`, `pythonic`, `mistral`, `phi`, `granite`, `functionary_v3.1`,
/// `functionary_v3.2`, `harmony`, `command_r`, `command_r7b`, `deepseek`, `xml` (Qwen3-Coder), `glm`, `kimi`,
/// `nemotron`, `gemma4` and `json`.
class ToolForms {
 public:
  enum Form : unsigned {
    tool_calls = 1u << 0,
    function = 1u << 1,
    function_call = 1u << 2,
    parameters = 1u << 3,
    string = 1u << 4,
    missing = 1u << 5,
    hermes = 1u << 6,
    llama3 = 1u << 7,
    pythonic = 1u << 8,
    mistral = 1u << 9,
    phi = 1u << 10,
    granite = 1u << 11,
    functionary_v3_1 = 1u << 12,
    functionary_v3_2 = 1u << 13,
    harmony = 1u << 14,
    command_r = 1u << 15,
    command_r7b = 1u << 16,
    deepseek = 1u << 17,
    xml = 1u << 18,
    glm = 1u << 19,
    kimi = 1u << 20,
    nemotron = 1u << 21,
    gemma4 = 1u << 22,
    json = 1u << 23
  };

  /// Accepts only kvx's own form.
  constexpr ToolForms() = default;
  explicit constexpr ToolForms(unsigned forms) : forms_(forms) {}
  /// All forms of the object.
  static constexpr ToolForms all() { return ToolForms(63); }

  /// Reads `plain` (none), `auto` (all forms of the object), or names with + or commas between them. Throws Error for
  /// anything else.
  static ToolForms parse(std::string_view text) {
    if (text == "plain") return {};
    if (text == "auto") return all();
    ToolForms forms;
    for (std::size_t pos = 0; pos <= text.size();) {
      const std::size_t end = std::min(text.find_first_of("+,", pos), text.size());
      const std::string_view word = text.substr(pos, end - pos);
      std::size_t i = 0;
      while (i < kNames.size() && kNames[i] != word) ++i;
      if (i == kNames.size()) {
        std::string names;
        for (const std::string_view name : kNames) names.append(names.empty() ? "" : ", ").append(name);
        throw Error("tool-format",
                    "expected plain, auto, or some of " + names + ", found '" + detail::shortened(word, 60) + "'");
      }
      forms.add(Form(1u << i));
      pos = end + 1;
    }
    return forms;
  }

  bool has(Form form) const { return (forms_ & form) != 0; }
  bool empty() const { return forms_ == 0; }
  void add(Form form) { forms_ |= form; }

  /// The forms of families.
  std::vector<Form> families() const {
    std::vector<Form> families;
    for (unsigned form = hermes; form <= json; form <<= 1)
      if (has(Form(form))) families.push_back(Form(form));
    return families;
  }

  /// The names of the forms with + between them; empty for none.
  std::string text() const {
    std::string text;
    for (std::size_t i = 0; i < kNames.size(); ++i)
      if (has(Form(1u << i))) text.append(text.empty() ? "" : "+").append(kNames[i]);
    return text;
  }

  bool operator==(const ToolForms&) const = default;

 private:
  static constexpr std::array<std::string_view, 24> kNames = {"tool_calls",
                                                              "function",
                                                              "function_call",
                                                              "parameters",
                                                              "string",
                                                              "missing",
                                                              "hermes",
                                                              "llama3",
                                                              "pythonic",
                                                              "mistral",
                                                              "phi",
                                                              "granite",
                                                              "functionary_v3.1",
                                                              "functionary_v3.2",
                                                              "harmony",
                                                              "command_r",
                                                              "command_r7b",
                                                              "deepseek",
                                                              "xml",
                                                              "glm",
                                                              "kimi",
                                                              "nemotron",
                                                              "gemma4",
                                                              "json"};
  unsigned forms_ = 0;
};

/// The forms in which a chat template asks for calls, besides kvx's own. They are recognized by marks in its text.
inline ToolForms tool_forms_in(std::string_view chat_template) {
  const auto has = [&](std::string_view text) { return chat_template.find(text) != chat_template.npos; };
  ToolForms forms;
  const auto add = [&](bool found, unsigned form) {
    if (found) forms.add(ToolForms::Form(form));
  };
  add(has("\"parameters\": dictionary of argument name"), ToolForms::parameters | ToolForms::llama3);
  add(has("<tool_call>") && !has("<arg_key>") && !has("<parameter="), ToolForms::hermes);
  add(has("<|tool_call_start|>") || has("<|tool_list_start|>") || has("[func_name1("), ToolForms::pythonic);
  add(has("[TOOL_CALLS]"), ToolForms::mistral);
  add(has("<|/tool_call|>") || has("functools["), ToolForms::phi);
  add(has("<|tool_call|>") && !has("<|/tool_call|>"), ToolForms::granite);
  add(has("<function=") && !has("<parameter="), ToolForms::functionary_v3_1);
  add(has(">>>all"), ToolForms::functionary_v3_2);
  add(has("<|channel|>commentary"), ToolForms::harmony);
  add(has("```json") && has("\"tool_name\"") && !has("<|START_ACTION|>"), ToolForms::command_r);
  add(has("<|START_ACTION|>"), ToolForms::command_r7b);
  add(has("<｜tool▁call▁begin｜>"), ToolForms::deepseek);
  add(has("<parameter="), ToolForms::xml);
  add(has("<arg_key>"), ToolForms::glm);
  add(has("<|tool_call_begin|>"), ToolForms::kimi);
  add(has("<TOOLCALL>"), ToolForms::nemotron);
  add(has("<|tool_call>"), ToolForms::gemma4);
  return forms;
}

}  // namespace kvx::inline v0
