#pragma once

#include <kvx/core/error.hpp>
#include <kvx/io/json.hpp>
#include <kvx/io/mapped_file.hpp>
#include <kvx/io/plain_name.hpp>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>

namespace kvx::inline v0 {

namespace detail {

inline std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

/// The folder of the Hugging Face hub cache.
inline std::string hub_cache() {
  if (auto hub = environment("HF_HUB_CACHE"); !hub.empty()) return hub;
  if (const auto home = environment("HF_HOME"); !home.empty()) return home + "/hub";
  const auto cache = environment("XDG_CACHE_HOME");
  return (cache.empty() ? environment("HOME") + "/.cache" : cache) + "/huggingface/hub";
}

/// The commit that refs/main of a cached repository names, or without that file the sole snapshot; else "".
inline std::string cached_commit(const std::string& repository) {
  std::error_code code;
  const std::string main = repository + "/refs/main";
  if (std::filesystem::exists(main, code)) {
    const MappedFile file(main);
    std::string_view commit = file.text();
    commit = commit.substr(0, commit.find_last_not_of(" \r\n") + 1);
    if (!is_plain_name(commit)) throw Error(main, "expected a commit id, found " + shortened(commit, 60));
    return std::string(commit);
  }
  std::string sole;
  for (std::filesystem::directory_iterator it(repository + "/snapshots", code), end; it != end; it.increment(code)) {
    if (!sole.empty()) return "";
    sole = it->path().filename().string();
  }
  return sole;
}

}  // namespace detail

/// The directory of a model: `name` itself where it is a directory, else ORG/NAME's snapshot in the local Hugging Face
/// hub cache. Never uses the network. Throws Error that names every folder tried.
inline std::string locate_model(std::string_view name) {
  std::error_code code;
  if (std::filesystem::is_directory(name, code)) return std::string(name);

  const std::string where = "model " + detail::shortened(name, 200);
  const std::size_t slash = name.find('/');
  if (slash == std::string_view::npos || !detail::is_plain_name(name.substr(0, slash)) ||
      !detail::is_plain_name(name.substr(slash + 1))) {
    throw Error(where, "expected an existing directory or ORG/NAME, found neither");
  }
  const std::string repository = detail::hub_cache() + "/models--" + std::string(name.substr(0, slash)) + "--" +
                                 std::string(name.substr(slash + 1));
  const std::string commit = detail::cached_commit(repository);
  std::string snapshot = repository + "/snapshots/" + commit;
  if (!commit.empty() && std::filesystem::is_directory(snapshot, code)) return snapshot;
  throw Error(where, "expected a directory of that name or " +
                         (commit.empty() ? repository + " with refs/main or one snapshot" : snapshot) +
                         ", found neither");
}

}  // namespace kvx::inline v0
