#pragma once

#include <kvx/core/error.hpp>
#include <kvx/io/json/json.hpp>
#include <kvx/io/mapped_file.hpp>
#include <kvx/io/plain_name.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace kvx::inline v0 {

namespace detail {

inline std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

/// Expands a leading `~`, $NAME and ${NAME} in a path like Python's expanduser and expandvars. A variable that is not
/// set is not replaced.
inline std::string expanded(std::string path) {
  if (path == "~" || path.starts_with("~/")) path.replace(0, 1, environment("HOME"));
  constexpr std::string_view kName = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
  for (std::size_t dollar = 0; (dollar = path.find('$', dollar)) != path.npos;) {
    const bool braces = path.compare(dollar + 1, 1, "{") == 0;
    const std::size_t begin = dollar + 1 + braces;
    const std::size_t end =
        std::min(braces ? path.find('}', begin) : path.find_first_not_of(kName, begin), path.size());
    const std::string name = path.substr(begin, end - begin);
    const char* const value = std::getenv(name.c_str());
    if (name.empty() || value == nullptr || (braces && end == path.size())) {
      ++dollar;
      continue;
    }
    path.replace(dollar, end + braces - dollar, value);
    dollar += std::string_view(value).size();
  }
  return path;
}

/// The folder of the Hugging Face hub cache, by the rules of huggingface_hub.
inline std::string hub_cache() {
  for (const char* name : {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"})
    if (const auto hub = environment(name); !hub.empty()) return expanded(hub);
  if (const auto home = environment("HF_HOME"); !home.empty()) return expanded(home) + "/hub";
  const auto cache = environment("XDG_CACHE_HOME");
  return expanded(cache.empty() ? "~/.cache" : cache) + "/huggingface/hub";
}

/// A model's name in the hub: [ORG/]NAME[@REVISION].
struct HubName {
  std::string organization, name, revision;
};

inline std::optional<HubName> parse_hub_name(std::string_view text) {
  const std::size_t at_sign = text.find('@');
  const std::string_view model = text.substr(0, at_sign),
                         revision = at_sign == text.npos ? "" : text.substr(at_sign + 1);
  const std::size_t slash = model.find('/');
  HubName found{slash == model.npos ? "" : std::string(model.substr(0, slash)),
                std::string(slash == model.npos ? model : model.substr(slash + 1)), std::string(revision)};
  if (!is_plain_name(found.name) || (slash != model.npos && !is_plain_name(found.organization))) return std::nullopt;
  if (at_sign == text.npos) return found;
  for (std::size_t begin = 0; begin <= revision.size();) {  // a branch may have slashes: refs/pr/1
    const std::size_t end = std::min(revision.find('/', begin), revision.size());
    if (!is_plain_name(revision.substr(begin, end - begin))) return std::nullopt;
    begin = end + 1;
  }
  return found;
}

/// The commit of a branch or tag of a cached repository. Without a revision, it is the commit of main; if main is not
/// cached, it is the only snapshot. Otherwise "".
inline std::string cached_commit(const std::string& repository, const std::string& revision) {
  std::error_code code;
  const std::string ref = repository + "/refs/" + (revision.empty() ? "main" : revision);
  if (std::filesystem::is_regular_file(ref, code)) {
    const MappedFile file(ref);
    std::string_view commit = file.text();
    commit = commit.substr(0, commit.find_last_not_of(" \r\n") + 1);
    if (!is_plain_name(commit)) throw Error(ref, "expected a commit id, found " + shortened(commit, 60));
    return std::string(commit);
  }
  if (!revision.empty()) return is_plain_name(revision) ? revision : "";  // the revision is a commit
  std::string sole;
  for (std::filesystem::directory_iterator it(repository + "/snapshots", code), end; it != end; it.increment(code)) {
    if (!sole.empty()) return "";
    sole = it->path().filename().string();
  }
  return sole;
}

}  // namespace detail

/// The directory of a model: `name` itself if it is a directory, else the snapshot of [ORG/]NAME[@REVISION] in the
/// local Hugging Face hub cache. REVISION is a branch, a tag or a commit. Never uses the network. Throws an Error that
/// names every folder tried.
inline std::string locate_model(std::string_view name) {
  std::error_code code;
  if (std::filesystem::is_directory(name, code)) return std::string(name);

  const std::string where = "model " + detail::shortened(name, 200);
  const auto hub_name = detail::parse_hub_name(name);
  if (!hub_name) throw Error(where, "expected an existing directory or [ORG/]NAME[@REVISION], found neither");
  const std::string repository = detail::hub_cache() + "/models--" +
                                 (hub_name->organization.empty() ? "" : hub_name->organization + "--") + hub_name->name;
  const std::string commit = detail::cached_commit(repository, hub_name->revision);
  std::string snapshot = repository + "/snapshots/" + commit;
  if (!commit.empty() && std::filesystem::is_directory(snapshot, code)) return snapshot;
  const std::string ref = hub_name->revision.empty() ? "refs/main or one snapshot" : "refs/" + hub_name->revision;
  throw Error(where, "expected a directory of that name or " +
                         (commit.empty() ? repository + " with " + ref : snapshot) + ", found neither");
}

}  // namespace kvx::inline v0
