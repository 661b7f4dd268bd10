#pragma once

#include <kvx/core/error.hpp>
#include <kvx/score/task_registry.hpp>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

namespace kvx_eval {

/// The commands of kvx-eval. Each takes the words after its name and returns the exit code: 0; 1 for an error of the
/// work; 2 for a wrong command line, before any work.
int run(const std::vector<std::string>& words);
int grade(const std::vector<std::string>& words);
int plan(const std::vector<std::string>& words);

/// Writes to stdout. Throws kvx::Error where that fails.
inline void print(const std::string& text) {
  if (std::fputs(text.c_str(), stdout) < 0 || std::fflush(stdout) != 0)
    throw kvx::Error("stdout", std::string("cannot write: ") + std::strerror(errno));
}

/// Prints an error on stderr. Returns `code`.
inline int fail(const std::exception& error, int code) {
  std::fprintf(stderr, "kvx-eval: %s\n", error.what());
  return code;
}

/// Prints the notices of tasks on stderr, before their answers are graded.
inline void print_notices(const kvx::TaskRegistry& tasks, const std::vector<std::string>& names) {
  for (const auto& name : names)
    if (const std::string notice = tasks.at(name).notice(); !notice.empty())
      std::fprintf(stderr, "kvx-eval: %s: %s\n", name.c_str(), notice.c_str());
}

}  // namespace kvx_eval
