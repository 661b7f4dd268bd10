#pragma once

#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <string>
#include <system_error>
#include <vector>

namespace kvx::inline v0 {

/// The beginning of a command line that runs `program` in bubblewrap, whose executable is `bubblewrap`. The program can
/// see only the system's libraries and programs, read-only, and an empty /tmp of `tmp_bytes`.
inline std::vector<std::string> bubblewrap_command(const std::string& bubblewrap, const std::string& program,
                                                   std::uint64_t tmp_bytes) {
  namespace fs = std::filesystem;
  std::vector<std::string> command = {bubblewrap};
  const auto add = [&](std::initializer_list<std::string> words) { command.insert(command.end(), words); };
  add({"--unshare-all", "--unshare-user", "--uid", "65534", "--gid", "65534", "--cap-drop", "ALL"});
  add({"--die-with-parent", "--new-session", "--ro-bind", "/usr", "/usr"});
  for (const char* folder : {"/bin", "/lib", "/lib32", "/lib64", "/sbin"}) {
    std::error_code error;
    if (const fs::path target = fs::read_symlink(folder, error); !error) {
      add({"--symlink", target.string(), folder});
    } else {
      add({"--ro-bind-try", folder, folder});
    }
  }
  add({"--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache", "--ro-bind-try", "/nix/store", "/nix/store"});
  const fs::path prefix = fs::path(program).parent_path().parent_path();  // PREFIX/bin/python3, PREFIX/lib
  if (!program.starts_with("/usr/") && prefix != prefix.root_path()) add({"--ro-bind", prefix, prefix});
  const std::string bytes = std::to_string(tmp_bytes);
  add({"--dev", "/dev", "--size", bytes, "--tmpfs", "/dev/shm", "--remount-ro", "/dev"});
  add({"--size", bytes, "--tmpfs", "/tmp", "--remount-ro", "/", "--chdir", "/tmp", "--"});
  return command;
}

}  // namespace kvx::inline v0
