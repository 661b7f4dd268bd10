#pragma once

#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>

/// Calls f(folder in /proc) for each process.
template <class F>
void each_process(F&& f) {
  std::error_code error;
  for (std::filesystem::directory_iterator entry("/proc", error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (name.find_first_not_of("0123456789") == name.npos) f(entry->path());
  }
}

/// The number of processes whose command line, with "\n" between arguments, contains `words`.
inline int running(std::string_view words) {
  int count = 0;
  each_process([&](const std::filesystem::path& process) {
    std::ifstream file(process / "cmdline", std::ios::binary);
    std::string line{std::istreambuf_iterator<char>(file), {}};
    std::replace(line.begin(), line.end(), '\0', '\n');
    count += line.find(words) != line.npos;
  });
  return count;
}

/// The number of processes of a user.
inline int running_as(unsigned uid) {
  int count = 0;
  each_process([&](const std::filesystem::path& process) {
    struct stat owner {};
    count += ::stat(process.c_str(), &owner) == 0 && owner.st_uid == uid;
  });
  return count;
}

/// Waits until f() is true, but not longer than `seconds`. Returns whether it became true.
template <class F>
bool within(int seconds, F&& f) {
  for (int i = 0; i < seconds * 50; ++i) {
    if (f()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return f();
}
