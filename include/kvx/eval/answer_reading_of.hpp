#pragma once

#include <kvx/eval/options.hpp>
#include <kvx/io/json.hpp>
#include <kvx/io/text_file.hpp>
#include <kvx/score/judged_text.hpp>
#include <kvx/score/thought_marks.hpp>
#include <kvx/score/tool_forms.hpp>

#include <algorithm>
#include <filesystem>
#include <string>
#include <system_error>

namespace kvx::inline v0 {

namespace detail {

/// The text of all chat templates of a model, joined; empty if it has none.
inline std::string chat_template_text(const std::string& model_dir) {
  const std::string file = model_dir + "/chat_template.jinja", config = model_dir + "/tokenizer_config.json";
  std::error_code code;
  if (std::filesystem::exists(file, code)) return read_text_file(file);
  if (!std::filesystem::exists(config, code)) return {};
  const auto document = JsonDocument::load_python(config);
  const auto value = document.root().find("chat_template");
  if (!value) return {};
  if (value->is_string()) return std::string(value->string());
  std::string all;
  value->each_element([&](const JsonValue& named) { all.append(named.at("template").string()).append("\n"); });
  return all;
}

}  // namespace detail

/// How to turn a model's predictions into answers. Thoughts are marked as its chat template and the options say; calls
/// are accepted in the forms that the options name, or else in those that its chat template asks for.
inline AnswerReading answer_reading_of(const std::string& model_dir, const EvalOptions& options) {
  const std::string text = detail::chat_template_text(model_dir);
  AnswerReading reading = options.reading();
  for (ThoughtMarks& marks : thought_marks_in(text))
    if (std::ranges::find(reading.thoughts, marks) == reading.thoughts.end())
      reading.thoughts.push_back(std::move(marks));
  if (!options.tool_forms && options.chat.empty()) reading.tool_forms = tool_forms_in(text);
  return reading;
}

}  // namespace kvx::inline v0
