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

/// An empty folder of a user's own that goes with the object, whatever a program has put there.
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
  /// Folders that may not be read, or that nest a hundred thousand deep, are work for the system's programs.
  void remove_filled() const {
    constexpr const char* kScript = "rm -rf \"$0\" || { chmod -R u+rwx \"$0\"; rm -rf \"$0\"; }";
    try {
      run_process({.argv = {"/bin/sh", "-c", kScript, path_}, .environment = {"PATH=/usr/bin:/bin"}});
    } catch (const Error&) {  // it stays
    }
  }

  std::string path_;
};

}  // namespace kvx::inline v0
