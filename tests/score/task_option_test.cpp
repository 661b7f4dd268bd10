#include <kvx/io/text_file.hpp>
#include <kvx/score/leakage/leakage_answer.hpp>
#include <kvx/score/sample_file.hpp>
#include <kvx/score/tasks.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <set>
#include <string>
#include <vector>

#include "support/error_of.hpp"

using namespace kvx;

namespace {
const OptionText& task_option(const std::vector<OptionText>& all, const std::string& name) {
  const auto found = std::ranges::find(all, name, &OptionText::name);
  REQUIRE(found != all.end());
  return *found;
}
}  // namespace

TEST_CASE("Options are listed once, with their defaults as text and the tasks that have them") {
  const std::vector<OptionText> all = kvx_task_options();
  std::set<std::string> names;
  for (const OptionText& option : all) {
    CHECK(names.insert(option.name).second);
    CHECK_FALSE(option.help.empty());
  }
  CHECK(task_option(all, "leak-threshold").preset == "0.5");
  CHECK(task_option(all, "n-system-prompts").preset == "100");
  CHECK(task_option(all, "defenses").preset == "all");
  CHECK(task_option(all, "defenses-file").tasks == std::vector<std::string>{"ifeval", "leakage"});
  CHECK(task_option(all, "defenses-file").example == "leakage/defenses.json");
  CHECK(task_option(all, "defense").example.empty());
  CHECK(task_option(all, "allow-code-execution").is_switch);
  CHECK_FALSE(task_option(all, "defense").is_switch);
}

TEST_CASE("The defaults as text make the same task, and an option changes it") {
  OptionTexts texts;
  for (const OptionText& option : kvx_task_options()) texts[option.name] = option.preset;
  CHECK(kvx_tasks(texts).at("leakage").settings() == " leak_threshold=0.5");
  CHECK(kvx_tasks(texts).at("leakage").settings() == kvx_tasks().at("leakage").settings());
  texts["leak-threshold"] = "0.25";
  CHECK(kvx_tasks(texts).at("leakage").settings() == " leak_threshold=0.25");
  CHECK(make_task<CodeExecTask>({{"allow-code-execution", "true"}}).allowed());
}

TEST_CASE("Options choose the samples that are made from a file of system prompts") {
  const std::string folder = KVX_SOURCE_DIR "/examples/data/leakage/", path = folder + "system_prompts.jsonl";
  const auto samples = [&](OptionTexts texts) {
    texts.insert({{"defenses-file", folder + "defenses.json"}, {"attacks-file", folder + "attacks.jsonl"}});
    return kvx_tasks(texts).at("leakage").samples(path, read_text_file(path), {}).samples;
  };
  const auto several =
      samples({{"defenses", "no_defense, standard_defense"}, {"prompts-per-category", "1"}, {"n-system-prompts", "2"}});
  const auto one = samples({{"defenses", "no_defense"}, {"prompts-per-category", "1"}, {"n-system-prompts", "1"}});
  REQUIRE_FALSE(one.empty());
  CHECK(several.size() == 4 * one.size());
  CHECK(leakage_answer(one.front().answer).defense_key == "no_defense");
  CHECK(kvx_tasks().at("leakage").context(one.front()) == leakage_answer(one.front().answer).system_prompt_key);
}

TEST_CASE("A value that an option cannot have is an error that names it") {
  const auto refused = [](const char* name, const char* text) {
    return error_of([&] { (void)kvx_tasks({{name, text}}); });
  };
  CHECK(refused("leak-threshold", "half") == "leak-threshold: expected a number, found 'half'");
  CHECK(refused("n-system-prompts", "-1") == "n-system-prompts: expected a whole number of at least 0, found -1");
  CHECK(refused("require-sandbox", "yes") == "require-sandbox: expected true or false, found yes");
}
