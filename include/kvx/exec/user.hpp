#pragma once

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <random>
#include <string>
#include <system_error>

namespace kvx::inline v0 {

/// The number of a user that nobody is: drawn anew for each call from those that no system hands out.
inline unsigned unused_user() { return 0x70000000u + (std::random_device()() & 0x0fffffffu); }

/// The processes and threads of the calling user, as RLIMIT_NPROC counts them.
inline std::uint64_t processes_of_this_user() {
  std::uint64_t count = 0;
  std::error_code gone;  // a process can end meanwhile
  for (std::filesystem::directory_iterator at("/proc", gone), end; !gone && at != end; at.increment(gone)) {
    const std::string name = at->path().filename().string();
    struct stat owner {};
    if (!std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; }) ||
        ::stat(at->path().c_str(), &owner) != 0 || owner.st_uid != ::getuid())
      continue;
    std::error_code none;
    for (std::filesystem::directory_iterator task(at->path() / "task", none), last; !none && task != last;
         task.increment(none))
      ++count;
  }
  return count;
}

}  // namespace kvx::inline v0
