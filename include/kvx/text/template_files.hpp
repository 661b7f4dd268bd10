#pragma once

#include <kvx/io/json/json.hpp>
#include <kvx/io/mapped_file.hpp>

#include <algorithm>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// A chat template of a model directory.
struct NamedTemplate {
  std::string name;   ///< "default", unless there are several
  std::string text;   ///< a Jinja program
  std::string where;  ///< file and field, for error messages
};

/// The chat templates of a model directory by transformers' rules, each name once: chat_template.jinja and
/// additional_chat_templates/NAME.jinja or, without such files, those in tokenizer_config.json; empty if there are
/// none. Throws Error for a file that cannot be read, such as a link whose target is missing.
inline std::vector<NamedTemplate> chat_templates_in(const std::string& model_dir) {
  namespace fs = std::filesystem;
  std::vector<NamedTemplate> templates;
  const auto add = [&](NamedTemplate named) {  // the last template of a name counts
    std::erase_if(templates, [&](const NamedTemplate& other) { return other.name == named.name; });
    templates.push_back(std::move(named));
  };
  const std::string file = model_dir + "/chat_template.jinja", config = model_dir + "/tokenizer_config.json";
  if (file_exists(file)) add({"default", std::string(MappedFile(file).text()), file});
  std::vector<fs::path> others;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(model_dir + "/additional_chat_templates", error))
    if (entry.path().extension() == ".jinja") others.push_back(entry.path());
  std::ranges::sort(others);
  for (const fs::path& path : others)
    add({path.stem().string(), std::string(MappedFile(path.string()).text()), path.string()});
  if (!templates.empty() || !file_exists(config)) return templates;

  const auto document = JsonDocument::load_python(config);
  const auto value = document.root().find("chat_template");
  if (!value) return {};
  if (value->is_string()) return {{"default", std::string(value->string()), value->where()}};
  if (value->is_object())
    value->each_member([&](std::string_view name, const JsonValue& text) {
      add({std::string(name), std::string(text.string()), text.where()});
    });
  else
    value->each_element([&](const JsonValue& named) {
      add({std::string(named.at("name").string()), std::string(named.at("template").string()),
           named.where() + ".template"});
    });
  return templates;
}

/// The template for a chat: the one called tool_use if tools are given and it exists, otherwise the default; nullptr if
/// there is neither.
inline const NamedTemplate* chosen_template(const std::vector<NamedTemplate>& templates, bool has_tools) {
  for (const std::string_view name : {"tool_use", "default"}) {
    const auto found = std::ranges::find(templates, name, &NamedTemplate::name);
    if (found != templates.end() && (has_tools || name != "tool_use")) return &*found;
  }
  return nullptr;
}

}  // namespace kvx::inline v0
