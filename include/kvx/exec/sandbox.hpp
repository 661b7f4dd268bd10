#pragma once

#include <kvx/core/error.hpp>
#include <kvx/exec/bubblewrap.hpp>
#include <kvx/exec/find_program.hpp>
#include <kvx/exec/process.hpp>
#include <kvx/exec/scratch_folder.hpp>
#include <kvx/exec/user.hpp>

#include <signal.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// What one run of a program may use. A run ends by its CPU time; the wall time is for programs that wait, and long
/// enough that no busy machine changes an outcome.
struct SandboxLimits {
  std::uint64_t cpu_seconds = 10;                       ///< of one process
  double wall_seconds = 60;                             ///< of all
  std::uint64_t memory_bytes = std::uint64_t{1} << 30;  ///< address space of one process
  std::uint64_t file_bytes = 32 << 20;                  ///< of one file and, in bubblewrap, of all together
  std::uint64_t processes = 32;                         ///< at a time, threads included
  std::size_t output_bytes = 64 << 10;
};

struct SandboxOptions {
  SandboxLimits limits = {};
  bool bubblewrap = true;  ///< false: do not look for it
  bool require = false;    ///< an Error where bubblewrap does not work
};

/// Runs Python programs that nobody has read. Bubblewrap gives each run its own processes, no network, no home, a
/// read-only system and an empty /tmp. Where it does not work a program gets the same limits and an empty folder, and
/// warning() says what it can reach. Root's programs run as a user that nobody is. Several threads may run programs.
class Sandbox {
 public:
  /// Finds Python and what works here by trying it. Throws Error when there is no Python 3.8 or newer that could be
  /// run, and when bubblewrap is required and does not work.
  explicit Sandbox(SandboxOptions options = {}) : options_(std::move(options)) {
    std::string why = options_.bubblewrap ? "not installed" : "not wanted";
    if (options_.bubblewrap)
      for (const std::string& file : find_program("bwrap"))
        if (bubblewrap_.empty()) find_python(file, why);
    if (bubblewrap_.empty() && options_.require)
      throw Error("sandbox", "expected a working bubblewrap (bwrap), found: " + why);
    std::string reason = "none";
    if (bubblewrap_.empty() && !find_python("", reason))
      throw Error("python3",
                  "expected Python 3.8 or newer that this user, or for root nobody, can run; found: " + reason);
    if (bubblewrap_.empty()) {
      warning_ = "without bubblewrap (" + why +
                 ") programs can reach the network, read what every user can, and fill the disk file by file";
      if (!own_user_) warning_ += "; they run as this user, whose files and processes they can harm";
    } else if (!own_user_ && ::geteuid() == 0) {
      warning_ = "no limit holds for the number of root's processes, and Python is one that only root can run";
    }
  }

  /// Whether programs run in bubblewrap.
  bool isolates() const { return !bubblewrap_.empty(); }
  /// What is weaker than it should be; empty when nothing is.
  const std::string& warning() const { return warning_; }
  /// The interpreter.
  const std::string& python() const { return python_; }

  /// Runs `source`; timed_out tells of the CPU time too. Throws Error when it cannot be started.
  ProcessOutcome run_python(const std::string& source, const std::string& input) const {
    return run_python(bubblewrap_, python_, own_user_, source, input);
  }

 private:
  /// Tries each interpreter, and keeps the first that works; says in `why` what the last said that did not.
  bool find_python(const std::string& bubblewrap, std::string& why) {
    for (const bool own_user : {true, false}) {
      if (::geteuid() == 0 ? bubblewrap.empty() && !own_user : own_user) continue;  // root's rights are not given away
      for (const std::string& python : find_program("python3")) try {
          const ProcessOutcome outcome = run_python(
              bubblewrap, python, own_user, "import sys; sys.exit(0 if sys.version_info >= (3, 8) else 'too old')", "");
          if (outcome.exit_status == 0 && outcome.signal == 0 && !outcome.timed_out) {
            bubblewrap_ = bubblewrap;
            python_ = python;
            own_user_ = own_user;
            return true;
          }
          why = outcome.output.empty() ? python + ": status " + std::to_string(outcome.exit_status)
                                       : outcome.output.substr(0, outcome.output.find('\n'));
        } catch (const Error& error) {
          why = error.what();
        }
    }
    return false;
  }

  ProcessOutcome run_python(const std::string& bubblewrap, const std::string& python, bool own_user,
                            const std::string& source, const std::string& input) const {
    const SandboxLimits& limits = options_.limits;
    ProcessOptions process;
    if (own_user) process.uid = unused_user();
    std::optional<ScratchFolder> folder;
    std::string home = "/tmp";
    if (bubblewrap.empty()) {
      home = process.directory = folder.emplace(process.uid).path();
    } else {
      process.argv = bubblewrap_command(bubblewrap, python, limits.file_bytes);
      process.no_new_privileges = false;  // bubblewrap may have the setuid bit, and forbids them itself
    }
    process.argv.insert(process.argv.end(), {python, "-s", "-B", "-c", source});
    // Sets of strings have one order.
    process.environment = {"PATH=/usr/bin:/bin", "LANG=C.UTF-8", "PYTHONHASHSEED=0", "HOME=" + home, "TMPDIR=" + home};
    process.input = input;
    process.output_bytes = limits.output_bytes;
    process.limits = {.wall_seconds = limits.wall_seconds,
                      .cpu_seconds = limits.cpu_seconds,
                      .memory_bytes = limits.memory_bytes,
                      .file_bytes = limits.file_bytes,
                      .processes = limits.processes + (own_user ? 0 : processes_of_this_user())};
    ProcessOutcome outcome = run_process(process);
    if (!bubblewrap.empty() && outcome.exit_status > 128) {  // so it tells of a signal
      outcome.signal = outcome.exit_status - 128;
      outcome.exit_status = 0;
    }
    const bool spent = outcome.cpu_seconds >= static_cast<double>(limits.cpu_seconds);
    outcome.timed_out = outcome.timed_out || outcome.signal == SIGXCPU || (outcome.signal == SIGKILL && spent);
    return outcome;
  }

  SandboxOptions options_;
  std::string bubblewrap_, python_, warning_;
  bool own_user_ = false;
};

}  // namespace kvx::inline v0
