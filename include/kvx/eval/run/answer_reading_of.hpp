#pragma once

#include <kvx/eval/run/options.hpp>
#include <kvx/io/mapped_file.hpp>
#include <kvx/score/judged_text.hpp>
#include <kvx/score/thought_marks.hpp>
#include <kvx/score/tool_call/tool_forms.hpp>
#include <kvx/text/chat_template.hpp>
#include <kvx/text/template_files.hpp>

#include <algorithm>
#include <string>
#include <utility>

namespace kvx::inline v0 {

/// How to turn a model's predictions into answers. The marks of thoughts come from the model's chat templates, from the
/// template file of the options, and from the options. Calls are accepted in the forms that the options name, or else
/// in those that the file or the model's chat templates ask for. Throws Error for a template that cannot be read.
inline AnswerReading answer_reading_of(const std::string& model_dir, const EvalOptions& options) {
  std::string text;
  for (const NamedTemplate& named : chat_templates_in(model_dir)) text.append(named.text).append("\n");
  std::string file;
  if (ChatTemplate::is_file(options.chat)) file = MappedFile(options.chat).text();
  text += file;
  AnswerReading reading = options.reading();
  for (ThoughtMarks& marks : thought_marks_in(text))
    if (std::ranges::find(reading.thoughts, marks) == reading.thoughts.end())
      reading.thoughts.push_back(std::move(marks));
  if (!options.tool_forms && (options.chat.empty() || !file.empty()))
    reading = AnswerReading::with({reading.thoughts.begin() + 1, reading.thoughts.end()},
                                  tool_forms_in(file.empty() ? text : file));
  return reading;
}

}  // namespace kvx::inline v0
