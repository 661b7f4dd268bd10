#pragma once

#include <yaml-cpp/yaml.h>
#include <kvx/core/error.hpp>

#include <exception>
#include <string>

#include "bound_options.hpp"

namespace kvx_cli {

/// The help of the option for a YAML file.
inline constexpr const char* kConfigHelp = "YAML file with these options by name; the command line overrides it";

/// The options of a YAML file, one per line; a sequence becomes a list with commas. Throws kvx::Error.
inline Texts read_yaml(const std::string& path, const BoundOptions& options) try {
  const YAML::Node file = YAML::LoadFile(path);
  if (!file.IsMap()) throw kvx::Error(path, "expected YAML with one option per line, found something else");
  Texts texts;
  for (const auto& member : file) {
    const auto& option = options.in_file(path, member.first.as<std::string>());
    std::string text;
    if (member.second.IsSequence())
      for (const auto& element : member.second) text += (text.empty() ? "" : ",") + element.as<std::string>();
    else
      text = member.second.IsNull() ? "" : member.second.as<std::string>();
    texts[option.name()] = text;
  }
  return texts;
} catch (const kvx::Error&) {
  throw;
} catch (const std::exception& error) {
  throw kvx::Error(path, std::string("expected YAML with one option per line, found: ") + error.what());
}

/// The defaults, replaced by the options of the YAML file `path`, unless that is empty. Throws kvx::Error.
inline Texts defaults_and_file(const std::string& path, const BoundOptions& options) {
  Texts texts = options.presets();
  if (!path.empty())
    for (const auto& [name, text] : read_yaml(path, options)) texts[name] = text;
  return texts;
}

/// The options as YAML, for read_yaml(), without those that a file may not set.
inline std::string yaml_text(const Texts& texts, const BoundOptions& options) {
  YAML::Emitter out;
  out << YAML::BeginMap;
  for (const auto& [name, text] : texts)
    for (const BoundOption& option : options.all())
      if (option.name() == name && option.is_in_files)
        out << YAML::Key << name << YAML::Value << YAML::DoubleQuoted << text;
  out << YAML::EndMap;
  return std::string(out.c_str()) + "\n";
}

}  // namespace kvx_cli
