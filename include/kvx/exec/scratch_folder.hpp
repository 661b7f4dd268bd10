#pragma once

#include <kvx/core/error.hpp>
#include <kvx/exec/process.hpp>

#include <stdlib.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>
#include <string>

namespace kvx::inline v0 {

/// An empty folder that belongs to user `owner`, or to the caller. It is removed with the object, with all contents.
class ScratchFolder {
 public:
  explicit ScratchFolder(std::optional<unsigned> owner)
      : path_((std::filesystem::temp_directory_path() / "kvx-exec-XXXXXX").string()) {
    if (::mkdtemp(path_.data()) == nullptr || (owner && ::chown(path_.c_str(), *owner, *owner) != 0))
      throw Error(path_, std::string("cannot make a folder: ") + std::strerror(errno));
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  ~ScratchFolder() {
    if (::rmdir(path_.c_str()) != 0) remove_filled();
  }

  const std::string& path() const { return path_; }

 private:
  /// Uses the system's programs, which can also remove unreadable folders and folders nested a hundred thousand deep.
  void remove_filled() const {
    constexpr const char* kScript = "rm -rf \"$0\" || { chmod -R u+rwx \"$0\"; rm -rf \"$0\"; }";
    try {
      run_process({.argv = {"/bin/sh", "-c", kScript, path_}, .environment = {"PATH=/usr/bin:/bin"}});
    } catch (const Error&) {  // the folder stays
    }
  }

  std::string path_;
};

}  // namespace kvx::inline v0
