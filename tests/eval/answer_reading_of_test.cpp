#include <kvx/eval/run/answer_reading_of.hpp>

#include <doctest/doctest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "support/error_of.hpp"
#include "support/temp_dir.hpp"

using namespace kvx;

TEST_CASE("Marks of thoughts come from the chat template and the options, and forms of calls from the template") {
  const TempDir dir;
  dir.write(
      "tokenizer_config.json",
      R"({"chat_template": "\u003cseed:think>{{ a }}</seed:think> {\"name\": function name, \"parameters\": dictionary of argument name and its value}"})");
  EvalOptions options;
  const std::vector<ThoughtMarks> template_marks = {{}, {"<seed:think>", "</seed:think>"}};
  CHECK(answer_reading_of(dir.path(), options).thoughts == template_marks);
  CHECK(answer_reading_of(dir.path(), options).tool_forms == ToolForms(ToolForms::parameters | ToolForms::llama3));
  options.chat = "chatml";
  CHECK(answer_reading_of(dir.path(), options).thoughts == template_marks);  // the model keeps its own marks
  CHECK(answer_reading_of(dir.path(), options).tool_forms.empty());
  options.thoughts = {{"[a]", "[/a]"}};
  options.tool_forms = ToolForms::all();
  const std::vector<ThoughtMarks> all = {{}, {"[a]", "[/a]"}, {"<seed:think>", "</seed:think>"}};
  CHECK(answer_reading_of(dir.path(), options).thoughts == all);
  CHECK(answer_reading_of(dir.path(), options).tool_forms == ToolForms::all());
  options = {};
  options.chat = dir.write("other.jinja", "[TOOL_CALLS] [think] [/think]");
  CHECK(answer_reading_of(dir.path(), options).tool_forms == ToolForms(ToolForms::mistral));
  CHECK(answer_reading_of(dir.path(), options).thoughts ==
        std::vector<ThoughtMarks>{{}, {"<seed:think>", "</seed:think>"}, {"[think]", "[/think]"}});
  dir.write("chat_template.jinja", "{{ messages }}");
  CHECK(answer_reading_of(dir.path(), EvalOptions()).thoughts == std::vector<ThoughtMarks>{{}});
  std::filesystem::remove(dir.path() + "/chat_template.jinja");
  std::filesystem::create_symlink("missing", dir.path() + "/chat_template.jinja");
  CHECK(error_of([&] { (void)answer_reading_of(dir.path(), options); }) ==
        dir.path() + "/chat_template.jinja: cannot open: a link to " + dir.path() + "/missing, which is missing");
  const TempDir empty;
  CHECK(answer_reading_of(empty.path(), EvalOptions()).thoughts == std::vector<ThoughtMarks>{{}});
}
