#include <kvx/model/locate.hpp>

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "support/error_of.hpp"
#include "support/temp_dir.hpp"

using kvx::locate_model;

namespace {

/// Sets the variables that say where the cache is, all others of them unset, and puts the old values back.
class Environment {
 public:
  explicit Environment(const std::map<std::string, std::string>& variables) {
    for (const std::string name : {"HF_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME", "HOME"}) {
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

TEST_CASE("a directory is taken as it is") {
  const TempDir dir;
  CHECK(locate_model(dir.path()) == dir.path());
}

TEST_CASE("a name is looked up where the hub's cache is") {
  const TempDir dir;
  const std::string& root = dir.path();
  for (const std::string hub : {"hub1", "home/hub", "xdg/huggingface/hub", "user/.cache/huggingface/hub"}) {
    dir.write(hub + "/" + kRepository + "/snapshots/c0ffee/config.json", "{}");
    dir.write(hub + "/" + kRepository + "/snapshots/other/config.json", "{}");
    dir.write(hub + "/" + kRepository + "/refs/main", "c0ffee\n");
  }
  std::map<std::string, std::string> variables{{"HF_HUB_CACHE", root + "/hub1"},
                                               {"HF_HOME", root + "/home"},
                                               {"XDG_CACHE_HOME", root + "/xdg"},
                                               {"HOME", root + "/user"}};
  const auto found = [&] {
    const Environment environment(variables);
    return locate_model("Qwen/Qwen2.5-0.5B");
  };
  const std::string snapshot = "/" + kRepository + "/snapshots/c0ffee";
  CHECK(found() == root + "/hub1" + snapshot);
  variables["HF_HUB_CACHE"] = "";  // set but empty is unset
  CHECK(found() == root + "/home/hub" + snapshot);
  variables.erase("HF_HOME");
  CHECK(found() == root + "/xdg/huggingface/hub" + snapshot);
  variables.erase("XDG_CACHE_HOME");
  CHECK(found() == root + "/user/.cache/huggingface/hub" + snapshot);
}

TEST_CASE("without refs/main a sole snapshot is taken, and what is not there is named") {
  const TempDir dir;
  const Environment environment({{"HF_HUB_CACHE", dir.path()}});
  const std::string repository = dir.path() + "/" + kRepository;
  const auto error = [] { return error_of([] { locate_model("Qwen/Qwen2.5-0.5B"); }); };
  const std::string none = "model Qwen/Qwen2.5-0.5B: expected a directory of that name or " + repository +
                           " with refs/main or one snapshot, found neither";
  CHECK(error() == none);
  dir.write(kRepository + "/snapshots/aa/config.json", "{}");
  CHECK(locate_model("Qwen/Qwen2.5-0.5B") == repository + "/snapshots/aa");
  dir.write(kRepository + "/snapshots/bb/config.json", "{}");
  CHECK(error() == none);
  dir.write(kRepository + "/refs/main", "cc");
  CHECK(error() ==
        "model Qwen/Qwen2.5-0.5B: expected a directory of that name or " + repository + "/snapshots/cc, found neither");
  dir.write(kRepository + "/refs/main", "../aa");
  CHECK(error() == repository + "/refs/main: expected a commit id, found ../aa");
  dir.write(kRepository + "/refs/main", "");
  CHECK(error() == repository + "/refs/main: expected a commit id, found ");
}

TEST_CASE("an odd name is an error") {
  for (const std::string name : {"", "Qwen", "no/such/model", "../x", "Qwen/..", "Qwen/", "/Qwen2.5-0.5B", "a b/c"}) {
    CHECK(error_of([&] { locate_model(name); }) ==
          "model " + name + ": expected an existing directory or ORG/NAME, found neither");
  }
}
