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

/// Calls f(its folder of /proc) for each process.
template <class F>
void each_process(F&& f) {
  std::error_code gone;
  for (std::filesystem::directory_iterator at("/proc", gone), end; !gone && at != end; at.increment(gone)) {
    const std::string name = at->path().filename().string();
    if (name.find_first_not_of("0123456789") == name.npos) f(at->path());
  }
}

/// How many processes have `words`, "\n" for what separates arguments, in their command line.
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

inline int running_as(unsigned uid) {
  int count = 0;
  each_process([&](const std::filesystem::path& process) {
    struct stat owner {};
    count += ::stat(process.c_str(), &owner) == 0 && owner.st_uid == uid;
  });
  return count;
}

/// Waits until `f` holds.
template <class F>
bool within(int seconds, F&& f) {
  for (int i = 0; i < seconds * 50; ++i) {
    if (f()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return f();
}
