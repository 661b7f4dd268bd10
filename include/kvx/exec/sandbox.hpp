#pragma once

#include <kvx/core/error.hpp>
#include <kvx/exec/bubblewrap.hpp>
#include <kvx/exec/find_program.hpp>
#include <kvx/exec/line_process.hpp>
#include <kvx/exec/process.hpp>
#include <kvx/exec/scratch_folder.hpp>
#include <kvx/exec/user.hpp>

#include <signal.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// The limits of one run of a program. Usually the CPU time ends a run that takes too long. The wall time ends programs
/// that wait; it is so long that a busy machine does not change an outcome.
struct SandboxLimits {
  std::uint64_t cpu_seconds = 10;                       ///< of one process
  double wall_seconds = 60;                             ///< of the run
  std::uint64_t memory_bytes = std::uint64_t{1} << 30;  ///< of address space of one process
  std::uint64_t file_bytes = 32 << 20;                  ///< the size of one file and, in bubblewrap, of all files
  std::uint64_t processes = 32;                         ///< at the same time, including threads
  std::size_t output_bytes = 64 << 10;
};

struct SandboxOptions {
  SandboxLimits limits = {};
  bool bubblewrap = true;   ///< whether to use bubblewrap if it works
  bool require = false;     ///< whether to throw Error if bubblewrap does not work
  std::string module = {};  ///< a Python module that the interpreter must be able to import; empty: none
};

/// Runs untrusted Python programs. In bubblewrap, a run sees only its own processes, no network, no home folder, a
/// read-only system and an empty /tmp. If bubblewrap does not work, a program has the same limits and an empty folder,
/// and warning() says what it can access. If the caller is root, programs run as an unused user. Several threads may
/// run programs at the same time.
class Sandbox {
 public:
  /// Finds a Python interpreter, and whether bubblewrap works, by trial. Throws Error if no Python 3.8 or newer can be
  /// run, and if bubblewrap is required and does not work.
  explicit Sandbox(SandboxOptions options = {}) : options_(std::move(options)) {
    std::string bubblewrap_reason = options_.bubblewrap ? "not installed" : "not wanted";
    if (options_.bubblewrap)
      for (const std::string& file : find_program("bwrap"))
        if (bubblewrap_.empty()) find_python(file, bubblewrap_reason);
    if (bubblewrap_.empty() && options_.require)
      throw Error("sandbox", "expected a working bubblewrap (bwrap)" +
                                 (options_.module.empty() ? "" : " and a python3 with " + options_.module) +
                                 ", found: " + bubblewrap_reason);
    std::string python_reason = "none";
    if (bubblewrap_.empty() && !find_python("", python_reason))
      throw Error(
          "python3",
          "expected a Python 3.8 or newer that this user (for root, an unused user) can run, found: " + python_reason);
    if (bubblewrap_.empty()) {
      warning_ = "without bubblewrap (" + bubblewrap_reason +
                 "), programs can reach the network, read files that every user can read, and fill the disk";
      if (!separate_user_) warning_ += "; they run as this user, and can damage the user's files and processes";
    } else if (!separate_user_ && ::geteuid() == 0) {
      warning_ = "the number of processes is not limited, because only root can run this Python";
    }
  }

  /// Whether programs run in bubblewrap.
  bool isolates() const { return !bubblewrap_.empty(); }
  /// A warning about missing protection; empty if nothing is missing.
  const std::string& warning() const { return warning_; }
  /// The path of the interpreter.
  const std::string& python() const { return python_; }

  /// Runs `source` with the standard input `input`. timed_out is also true if the CPU time was used up. Throws Error if
  /// the program cannot be started.
  ProcessOutcome run_python(const std::string& source, const std::string& input) const {
    return run_python(bubblewrap_, python_, separate_user_, source, input);
  }

  /// Starts the Python program `source`, which answers lines (LineProcess). Its limits are those of run_python(),
  /// except for wall time and output, which each call of ask() limits. Throws Error if bubblewrap does not work or the
  /// program cannot be started.
  std::unique_ptr<LineProcess> start_python(const std::string& source) const {
    if (!isolates()) throw Error("sandbox", "expected a working bubblewrap (bwrap), found none");
    return std::make_unique<LineProcess>(process_of(bubblewrap_, python_, separate_user_, source));
  }

 private:
  /// Tries each interpreter, and keeps the first that works. Otherwise sets `reason` to the last error.
  bool find_python(const std::string& bubblewrap, std::string& reason) {
    for (const bool separate_user : {true, false}) {
      // Only root can run programs as another user, and without bubblewrap it never runs them as root.
      if (::geteuid() == 0 ? bubblewrap.empty() && !separate_user : separate_user) continue;
      for (const std::string& python : find_program("python3")) try {
          std::string trial = "import sys\nif sys.version_info < (3, 8): sys.exit('too old')\n";
          if (!options_.module.empty())
            trial += "try: import " + options_.module + "\nexcept ImportError as error: sys.exit(str(error))\n";
          const ProcessOutcome outcome = run_python(bubblewrap, python, separate_user, trial, "");
          if (outcome.exit_status == 0 && outcome.signal == 0 && !outcome.timed_out) {
            bubblewrap_ = bubblewrap;
            python_ = python;
            separate_user_ = separate_user;
            return true;
          }
          reason = outcome.output.empty() ? python + ": status " + std::to_string(outcome.exit_status)
                                          : outcome.output.substr(0, outcome.output.find('\n'));
        } catch (const Error& error) {
          reason = error.what();
        }
    }
    return false;
  }

  /// How a program is run, without its folder and standard input.
  ProcessOptions process_of(const std::string& bubblewrap, const std::string& python, bool separate_user,
                            const std::string& source) const {
    const SandboxLimits& limits = options_.limits;
    ProcessOptions process;
    if (separate_user) process.uid = unused_user();
    if (!bubblewrap.empty()) {
      process.argv = bubblewrap_command(bubblewrap, python, limits.file_bytes);
      process.no_new_privileges = false;  // bubblewrap may need its setuid bit, and forbids new privileges itself
    }
    process.argv.insert(process.argv.end(), {python, "-s", "-B", "-c", source});
    // PYTHONHASHSEED gives sets of strings a fixed order.
    process.environment = {"PATH=/usr/bin:/bin", "LANG=C.UTF-8", "PYTHONHASHSEED=0"};
    if (!bubblewrap.empty()) process.environment.insert(process.environment.end(), {"HOME=/tmp", "TMPDIR=/tmp"});
    process.output_bytes = limits.output_bytes;
    process.limits = {.wall_seconds = limits.wall_seconds,
                      .cpu_seconds = limits.cpu_seconds,
                      .memory_bytes = limits.memory_bytes,
                      .file_bytes = limits.file_bytes,
                      .processes = limits.processes + (separate_user ? 0 : processes_of_this_user())};
    return process;
  }

  ProcessOutcome run_python(const std::string& bubblewrap, const std::string& python, bool separate_user,
                            const std::string& source, const std::string& input) const {
    const SandboxLimits& limits = options_.limits;
    ProcessOptions process = process_of(bubblewrap, python, separate_user, source);
    std::optional<ScratchFolder> folder;
    if (bubblewrap.empty()) {
      process.directory = folder.emplace(process.uid).path();
      for (const char* name : {"HOME=", "TMPDIR="}) process.environment.push_back(name + process.directory);
    }
    process.input = input;
    ProcessOutcome outcome = run_process(process);
    if (!bubblewrap.empty() && outcome.exit_status > 128) {  // bubblewrap reports a signal in this way
      outcome.signal = outcome.exit_status - 128;
      outcome.exit_status = 0;
    }
    const bool cpu_time_used = outcome.cpu_seconds >= static_cast<double>(limits.cpu_seconds);
    outcome.timed_out = outcome.timed_out || outcome.signal == SIGXCPU || (outcome.signal == SIGKILL && cpu_time_used);
    return outcome;
  }

  SandboxOptions options_;
  std::string bubblewrap_, python_, warning_;
  bool separate_user_ = false;
};

}  // namespace kvx::inline v0
