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

/// The number of a user that does not exist: a random one for each call, in a range that systems do not assign.
inline unsigned unused_user() { return 0x70000000u + (std::random_device()() & 0x0fffffffu); }

/// The number of processes and threads of the calling user, as RLIMIT_NPROC counts them.
inline std::uint64_t processes_of_this_user() {
  std::uint64_t count = 0;
  std::error_code error;  // a process can end meanwhile
  for (std::filesystem::directory_iterator entry("/proc", error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    struct stat owner {};
    if (!std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; }) ||
        ::stat(entry->path().c_str(), &owner) != 0 || owner.st_uid != ::getuid())
      continue;
    std::error_code task_error;
    for (std::filesystem::directory_iterator task(entry->path() / "task", task_error), last;
         !task_error && task != last; task.increment(task_error))
      ++count;
  }
  return count;
}

}  // namespace kvx::inline v0
