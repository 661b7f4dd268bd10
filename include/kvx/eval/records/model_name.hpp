#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>

namespace kvx::inline v0 {

/// The last part of a path: `qwen` for `models/qwen/`.
inline std::string last_part(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path.substr(path.rfind('/') + 1);
}

/// A model of a run: its name in records, and where to find it.
struct NamedModel {
  std::string name, where;  ///< `where` is a directory or [ORG/]NAME[@REVISION]
};

/// Reads `NAME=WHERE`, or `WHERE`, which is then also the name.
inline NamedModel named_model(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == text.npos || text.find('/') < equals) return {text, text};
  return {text.substr(0, equals), text.substr(equals + 1)};
}

/// A short name of a model: the last part of its path, or the whole path if another of `models` has the same last part.
inline std::string short_model_name(const std::string& model, std::span<const std::string> models) {
  const std::string name = last_part(model);
  const bool is_ambiguous = std::any_of(models.begin(), models.end(), [&](const std::string& other) {
    return other != model && last_part(other) == name;
  });
  return is_ambiguous ? model : name;
}

}  // namespace kvx::inline v0
