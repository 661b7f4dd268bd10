#pragma once

#include <kvx/core/error.hpp>
#include <kvx/exec/descriptor.hpp>
#include <kvx/exec/supervise.hpp>

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

namespace kvx::inline v0 {

/// The limits of a process. All except the wall time are enforced by the kernel, for each process separately.
struct ProcessLimits {
  double wall_seconds = 60;
  std::optional<std::uint64_t> cpu_seconds = {};   ///< SIGXCPU at this time, SIGKILL a second later
  std::optional<std::uint64_t> memory_bytes = {};  ///< of address space
  std::optional<std::uint64_t> file_bytes = {};    ///< the size of one file
  std::optional<std::uint64_t> processes = {};     ///< the user's processes and threads; not enforced for root
};

/// A program to run.
struct ProcessOptions {
  std::vector<std::string> argv = {};         ///< argv[0] is its path
  std::vector<std::string> environment = {};  ///< the complete environment, each "NAME=value"
  std::string directory = "/";
  std::string input = {};               ///< the standard input
  std::size_t output_bytes = 64 << 10;  ///< at most kept of the output, and of the report
  ProcessLimits limits = {};
  /// The program runs as this user, and as the group with the same number. All processes of the user are killed at the
  /// end, so no other program may run as this user.
  std::optional<unsigned> uid = {};
  bool no_new_privileges = true;  ///< the setuid bit of programs has no effect
};

/// The result of a program's run.
struct ProcessOutcome {
  int exit_status = 0;
  int signal = 0;          ///< the signal that ended the program; 0 if it exited
  bool timed_out = false;  ///< whether it was killed at its limit of wall time
  double cpu_seconds = 0;  ///< of the program and all processes that it started
  std::string output;      ///< the beginning of standard output and error
  std::string report;      ///< the beginning of the text written to descriptor 3
};

namespace detail {

inline std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (const std::string& text : texts) result.push_back(const_cast<char*>(text.c_str()));
  result.push_back(nullptr);
  return result;
}

inline std::vector<ResourceLimit> resource_limits(const ProcessLimits& limits) {
  std::vector<ResourceLimit> result = {{RLIMIT_CORE, {0, 0}}, {RLIMIT_NOFILE, {256, 256}}};
  const auto add = [&](int resource, const std::optional<std::uint64_t>& soft, rlim_t extra = 0) {
    if (soft) result.push_back({resource, {*soft, *soft + extra}});
  };
  add(RLIMIT_CPU, limits.cpu_seconds, 1);
  add(RLIMIT_AS, limits.memory_bytes);
  add(RLIMIT_FSIZE, limits.file_bytes);
  add(RLIMIT_NPROC, limits.processes);
  return result;
}

/// A running supervisor. The destructor ends it and all processes that it has started.
class Supervisor {
 public:
  Supervisor(SupervisedJob job, Pipe& control, const std::string& where) : control_(control.write) {
    sigset_t all, previous;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &previous);  // so that no signal handler of the caller runs in the child
    pid_ = ::fork();
    if (pid_ == 0) supervise(job);
    const int error = errno;
    ::pthread_sigmask(SIG_SETMASK, &previous, nullptr);
    if (pid_ < 0) fail_call(where, "fork", error);
  }
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;
  ~Supervisor() {
    stop();
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) continue;
  }

  void stop() { control_.close(); }

 private:
  Descriptor& control_;
  pid_t pid_;
};

}  // namespace detail

/// Runs a program until it ends or reaches its wall time. All processes that it has started are killed then, or when
/// the caller is killed. Several threads may call this at the same time. Throws Error if the program cannot be started.
inline ProcessOutcome run_process(const ProcessOptions& options) {
  using Clock = std::chrono::steady_clock;
  const std::string& where = options.argv.at(0);
  const auto argv = detail::pointers(options.argv), environment = detail::pointers(options.environment);
  const auto limits = detail::resource_limits(options.limits);
  const detail::Descriptor input = detail::memory_file(where, options.input);
  detail::Pipe output(where), report(where), control(where), status(where);
  detail::Supervisor supervisor(
      {argv.data(), environment.data(), options.directory.c_str(), limits, options.uid, options.no_new_privileges,
       input.get(), output.write.get(), report.write.get(), control.read.get(), status.write.get()},
      control, where);
  for (detail::Descriptor* child_end : {&output.write, &report.write, &control.read, &status.write}) child_end->close();

  const auto end = Clock::now() + std::chrono::duration<double>(options.limits.wall_seconds);
  ProcessOutcome outcome;
  std::string status_bytes;
  while (status.read.get() >= 0) {
    const std::chrono::duration<double, std::milli> remaining = end - Clock::now();
    if (remaining.count() <= 0) supervisor.stop();
    pollfd polled[3] = {{output.read.get(), POLLIN, 0}, {report.read.get(), POLLIN, 0}, {status.read.get(), POLLIN, 0}};
    ::poll(polled, 3, remaining.count() <= 0 ? -1 : static_cast<int>(std::min(remaining.count(), 1e6)) + 1);
    if (polled[0].revents != 0) output.read.read_into(outcome.output, options.output_bytes);
    if (polled[1].revents != 0) report.read.read_into(outcome.report, options.output_bytes);
    if (polled[2].revents != 0) status.read.read_into(status_bytes, 2 * sizeof(detail::SupervisorReport));
  }
  // No process writes any more, and a pipe holds at most 64 KiB.
  output.read.read_into(outcome.output, options.output_bytes);
  report.read.read_into(outcome.report, options.output_bytes);

  detail::SupervisorReport result;
  if (status_bytes.size() < sizeof result)
    throw Error(where, "expected a report from the program's supervisor, found that it was killed");
  std::memcpy(&result, status_bytes.data(), sizeof result);
  if (result.failed_call != nullptr) detail::fail_call(where, result.failed_call, result.error);
  outcome.timed_out = result.stopped;
  outcome.cpu_seconds = result.cpu_seconds;
  if (!result.stopped && WIFSIGNALED(result.wait_status)) outcome.signal = WTERMSIG(result.wait_status);
  if (!result.stopped && WIFEXITED(result.wait_status)) outcome.exit_status = WEXITSTATUS(result.wait_status);
  return outcome;
}

}  // namespace kvx::inline v0
