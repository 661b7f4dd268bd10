#pragma once

#include <kvx/io/json/json.hpp>
#include <kvx/io/mapped_file.hpp>

#include <string>
#include <vector>

namespace kvx::inline v0 {

/// A chat template of a model directory.
struct NamedTemplate {
  std::string name;   ///< "default", unless tokenizer_config.json lists several
  std::string text;   ///< a Jinja program
  std::string where;  ///< file and field, for error messages
};

/// The chat templates of a model directory: the one in chat_template.jinja, or else those in tokenizer_config.json;
/// empty if there are none. Throws Error for a file that cannot be read, such as a link whose target is missing.
inline std::vector<NamedTemplate> chat_templates_in(const std::string& model_dir) {
  const std::string file = model_dir + "/chat_template.jinja", config = model_dir + "/tokenizer_config.json";
  if (file_exists(file)) return {{"default", std::string(MappedFile(file).text()), file}};
  if (!file_exists(config)) return {};
  const auto document = JsonDocument::load_python(config);
  const auto value = document.root().find("chat_template");
  if (!value) return {};
  if (value->is_string()) return {{"default", std::string(value->string()), value->where()}};
  std::vector<NamedTemplate> templates;
  value->each_element([&](const JsonValue& named) {
    templates.push_back({std::string(named.at("name").string()), std::string(named.at("template").string()),
                         named.where() + ".template"});
  });
  return templates;
}

}  // namespace kvx::inline v0
