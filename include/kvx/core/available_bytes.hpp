#pragma once

#include <algorithm>
#include <cstddef>
#include <fstream>
#include <limits>
#include <string>

namespace kvx::inline v0 {

namespace detail {

/// The number after `name` in a file of names and numbers; `absent` if the file or the name does not exist, or if no
/// number follows it.
inline std::size_t number_after(const std::string& path, const std::string& name, std::size_t absent) {
  std::ifstream file(path);
  std::size_t number = 0;
  for (std::string word; file >> word;)
    if (word == name) return file >> number ? number : absent;
  return absent;
}

/// The bytes that the processes of a control group (cgroups version 2) can still allocate; the largest number if there
/// is no limit. Cached files can be dropped, so they do not count as used.
inline std::size_t group_bytes(const std::string& folder) {
  std::size_t limit = 0, used = 0;
  std::ifstream limit_file(folder + "/memory.max"), used_file(folder + "/memory.current");
  if (!(limit_file >> limit) || !(used_file >> used)) return std::numeric_limits<std::size_t>::max();
  used -= std::min(used, number_after(folder + "/memory.stat", "inactive_file", 0) +
                             number_after(folder + "/memory.stat", "active_file", 0));
  return limit - std::min(limit, used);
}

}  // namespace detail

/// The bytes that this process can allocate before the system runs out of memory: what Linux estimates, or less if a
/// control group (version 2) that the process belongs to has a limit.
inline std::size_t available_bytes() {
  constexpr std::size_t kUnknown = std::numeric_limits<std::size_t>::max() >> 10;
  std::size_t bytes = detail::number_after("/proc/meminfo", "MemAvailable:", kUnknown) << 10;
  const std::string root = "/sys/fs/cgroup";
  std::ifstream groups("/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    if (!line.starts_with("0::/")) continue;
    std::string group = line.substr(3);
    for (; !group.empty(); group.resize(group.rfind('/'))) bytes = std::min(bytes, detail::group_bytes(root + group));
    bytes = std::min(bytes, detail::group_bytes(root));
  }
  return bytes;
}

}  // namespace kvx::inline v0
