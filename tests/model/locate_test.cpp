#include <kvx/model/locate.hpp>

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "support/error_of.hpp"
#include "support/temp_dir.hpp"

using kvx::locate_model;

namespace {

/// Sets the variables that determine the folder of the cache, unsets those not given, and restores the old values at
/// the end.
class Environment {
 public:
  explicit Environment(const std::map<std::string, std::string>& variables) {
    for (const std::string name :
         {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME", "HOME", "DISK"}) {
      const char* old = std::getenv(name.c_str());
      old_.emplace(name, old != nullptr ? std::optional<std::string>(old) : std::nullopt);
      const auto found = variables.find(name);
      set(name, found != variables.end() ? std::optional(found->second) : std::nullopt);
    }
  }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;
  ~Environment() {
    for (const auto& [name, value] : old_) set(name, value);
  }

 private:
  static void set(const std::string& name, const std::optional<std::string>& value) {
    value ? ::setenv(name.c_str(), value->c_str(), 1) : ::unsetenv(name.c_str());
  }
  std::map<std::string, std::optional<std::string>> old_;
};

const std::string kRepository = "models--Qwen--Qwen2.5-0.5B";

}  // namespace

TEST_CASE("the path of an existing directory is returned unchanged") {
  const TempDir dir;
  CHECK(locate_model(dir.path()) == dir.path());
}

TEST_CASE("a name is looked up in the cache folder that the variables determine") {
  const TempDir dir;
  const std::string& root = dir.path();
  for (const std::string hub : {"hub1", "hub2", "home/hub", "xdg/huggingface/hub", "user/.cache/huggingface/hub"}) {
    dir.write(hub + "/" + kRepository + "/snapshots/c0ffee/config.json", "{}");
    dir.write(hub + "/" + kRepository + "/snapshots/other/config.json", "{}");
    dir.write(hub + "/" + kRepository + "/refs/main", "c0ffee\n");
  }
  std::map<std::string, std::string> variables{{"HF_HUB_CACHE", root + "/hub1"},
                                               {"HUGGINGFACE_HUB_CACHE", root + "/hub2"},
                                               {"HF_HOME", root + "/home"},
                                               {"XDG_CACHE_HOME", root + "/xdg"},
                                               {"HOME", root + "/user"}};
  const auto found = [&] {
    const Environment environment(variables);
    return locate_model("Qwen/Qwen2.5-0.5B");
  };
  const std::string snapshot = "/" + kRepository + "/snapshots/c0ffee";
  CHECK(found() == root + "/hub1" + snapshot);
  variables["HF_HUB_CACHE"] = "";  // an empty variable counts as not set
  CHECK(found() == root + "/hub2" + snapshot);
  variables.erase("HUGGINGFACE_HUB_CACHE");
  CHECK(found() == root + "/home/hub" + snapshot);
  variables.erase("HF_HOME");
  CHECK(found() == root + "/xdg/huggingface/hub" + snapshot);
  variables.erase("XDG_CACHE_HOME");
  CHECK(found() == root + "/user/.cache/huggingface/hub" + snapshot);
}

TEST_CASE("the variables may contain ~ and other variables") {
  const TempDir dir;
  dir.write("hub/" + kRepository + "/snapshots/c0ffee/config.json", "{}");
  const auto found = [&](const std::string& variable, const std::string& value) {
    const Environment environment({{"HOME", dir.path()}, {"DISK", dir.path()}, {variable, value}});
    return locate_model("Qwen/Qwen2.5-0.5B");
  };
  const std::string snapshot = dir.path() + "/hub/" + kRepository + "/snapshots/c0ffee";
  for (const char* hub : {"~/hub", "$HOME/hub", "${DISK}/hub", "$DISK/hub"})
    for (const char* variable : {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"}) CHECK(found(variable, hub) == snapshot);
  for (const char* home : {"~", "$HOME", "${HOME}"}) CHECK(found("HF_HOME", home) == snapshot);
  CHECK(error_of([&] { found("HF_HUB_CACHE", "$NO_SUCH_DISK/hub"); }).find("$NO_SUCH_DISK/hub/models--Qwen") !=
        std::string::npos);
}

TEST_CASE("a name may lack an organization, and may have a revision") {
  const TempDir dir;
  const Environment environment({{"HF_HUB_CACHE", dir.path()}});
  dir.write("models--gpt2/snapshots/aa/config.json", "{}");
  CHECK(locate_model("gpt2") == dir.path() + "/models--gpt2/snapshots/aa");
  for (const std::string commit : {"aa", "bb", "cc", "dd"})
    dir.write(kRepository + "/snapshots/" + commit + "/config.json", "{}");
  for (const auto& [ref, commit] : {std::pair{"main", "aa"}, {"v1.0", "bb"}, {"pr/1", "cc"}})
    dir.write(kRepository + "/refs/" + ref, commit);
  const auto found = [&](const std::string& revision) {
    const std::string snapshots = dir.path() + "/" + kRepository + "/snapshots/";
    const std::string snapshot = locate_model("Qwen/Qwen2.5-0.5B" + revision);
    CHECK(snapshot.starts_with(snapshots));
    return snapshot.substr(snapshots.size());
  };
  CHECK(found("") == "aa");
  CHECK(found("@main") == "aa");
  CHECK(found("@v1.0") == "bb");
  CHECK(found("@pr/1") == "cc");
  CHECK(found("@dd") == "dd");  // a commit
  CHECK(error_of([] { locate_model("Qwen/Qwen2.5-0.5B@ee"); }) ==
        "model Qwen/Qwen2.5-0.5B@ee: expected a directory of that name or " + dir.path() + "/" + kRepository +
            "/snapshots/ee, found neither");
  CHECK(error_of([] { locate_model("Qwen/Qwen2.5-0.5B@pr/2"); }) ==
        "model Qwen/Qwen2.5-0.5B@pr/2: expected a directory of that name or " + dir.path() + "/" + kRepository +
            " with refs/pr/2, found neither");
}

TEST_CASE("without refs/main the only snapshot is used, and errors name the missing files") {
  const TempDir dir;
  const Environment environment({{"HF_HUB_CACHE", dir.path()}});
  const std::string repository = dir.path() + "/" + kRepository;
  const auto error = [] { return error_of([] { locate_model("Qwen/Qwen2.5-0.5B"); }); };
  const std::string not_found = "model Qwen/Qwen2.5-0.5B: expected a directory of that name or " + repository +
                                " with refs/main or one snapshot, found neither";
  CHECK(error() == not_found);
  dir.write(kRepository + "/snapshots/aa/config.json", "{}");
  CHECK(locate_model("Qwen/Qwen2.5-0.5B") == repository + "/snapshots/aa");
  dir.write(kRepository + "/snapshots/bb/config.json", "{}");
  CHECK(error() == not_found);
  dir.write(kRepository + "/refs/main", "cc");
  CHECK(error() ==
        "model Qwen/Qwen2.5-0.5B: expected a directory of that name or " + repository + "/snapshots/cc, found neither");
  dir.write(kRepository + "/refs/main", "../aa");
  CHECK(error() == repository + "/refs/main: expected a commit id, found ../aa");
  dir.write(kRepository + "/refs/main", "");
  CHECK(error() == repository + "/refs/main: expected a commit id, found ");
}

TEST_CASE("an invalid name is an error") {
  for (const std::string name : {"", "no/such/model", "../x", "Qwen/..", "Qwen/", "/Qwen2.5-0.5B", "a b/c", "a/b@",
                                 "a/b@../c", "a/b@c/../d", "a/b@c//d"}) {
    CHECK(error_of([&] { locate_model(name); }) ==
          "model " + name + ": expected an existing directory or [ORG/]NAME[@REVISION], found neither");
  }
}
