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

/// What a process may use. All but the wall time are the kernel's limits, which hold for each process by itself.
struct ProcessLimits {
  double wall_seconds = 60;
  std::optional<std::uint64_t> cpu_seconds = {};   ///< SIGXCPU then, SIGKILL a second later
  std::optional<std::uint64_t> memory_bytes = {};  ///< address space
  std::optional<std::uint64_t> file_bytes = {};    ///< of one file
  std::optional<std::uint64_t> processes = {};     ///< of the user, threads included; root has no such limit
};

/// A program to run.
struct ProcessOptions {
  std::vector<std::string> argv = {};         ///< argv[0] is its path
  std::vector<std::string> environment = {};  ///< all of it, each "NAME=value"
  std::string directory = "/";
  std::string input = {};               ///< its standard input
  std::size_t output_bytes = 64 << 10;  ///< kept of its standard output and error, and of its report
  ProcessLimits limits = {};
  /// The user, and the group of that number, that it runs as. Nobody else may: whatever runs as that user is killed.
  std::optional<unsigned> uid = {};
  bool no_new_privileges = true;  ///< programs with the setuid bit do not gain by it
};

struct ProcessOutcome {
  int exit_status = 0;
  int signal = 0;          ///< that ended it, 0 when it ended by itself
  bool timed_out = false;  ///< it was killed at its wall time
  double cpu_seconds = 0;  ///< of it and all that it started
  std::string output;      ///< the beginning of its standard output and error
  std::string report;      ///< the beginning of what it wrote to descriptor 3
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
  const auto add = [&](int resource, const std::optional<std::uint64_t>& most, rlim_t more = 0) {
    if (most) result.push_back({resource, {*most, *most + more}});
  };
  add(RLIMIT_CPU, limits.cpu_seconds, 1);
  add(RLIMIT_AS, limits.memory_bytes);
  add(RLIMIT_FSIZE, limits.file_bytes);
  add(RLIMIT_NPROC, limits.processes);
  return result;
}

/// A supervisor that is running. It goes, with all that it has started, at the latest with this object.
class Supervisor {
 public:
  Supervisor(SupervisedJob job, Pipe& control, const std::string& where) : control_(control.write) {
    sigset_t all, before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);  // no handler of the caller runs in the child
    pid_ = ::fork();
    if (pid_ == 0) supervise(job);
    const int error = errno;
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
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

/// Runs a program to its end or to its wall time; no process that it has started is left then, nor when the caller is
/// killed meanwhile. Several threads may call it at a time. Throws Error when the program cannot be started.
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
  for (detail::Descriptor* theirs : {&output.write, &report.write, &control.read, &status.write}) theirs->close();

  const auto end = Clock::now() + std::chrono::duration<double>(options.limits.wall_seconds);
  ProcessOutcome outcome;
  std::string said;
  while (status.read.get() >= 0) {
    const std::chrono::duration<double, std::milli> left = end - Clock::now();
    if (left.count() <= 0) supervisor.stop();
    pollfd wait[3] = {{output.read.get(), POLLIN, 0}, {report.read.get(), POLLIN, 0}, {status.read.get(), POLLIN, 0}};
    ::poll(wait, 3, left.count() <= 0 ? -1 : static_cast<int>(std::min(left.count(), 1e6)) + 1);
    if (wait[0].revents != 0) output.read.read_into(outcome.output, options.output_bytes);
    if (wait[1].revents != 0) report.read.read_into(outcome.report, options.output_bytes);
    if (wait[2].revents != 0) status.read.read_into(said, 2 * sizeof(detail::SupervisorReport));
  }
  // Nobody writes any more, and a pipe holds 64 KiB.
  output.read.read_into(outcome.output, options.output_bytes);
  report.read.read_into(outcome.report, options.output_bytes);

  detail::SupervisorReport result;
  if (said.size() < sizeof result) throw Error(where, "expected its supervisor's report, found that it was killed");
  std::memcpy(&result, said.data(), sizeof result);
  if (result.failed_call != nullptr) detail::fail_call(where, result.failed_call, result.error);
  outcome.timed_out = result.stopped;
  outcome.cpu_seconds = result.cpu_seconds;
  if (!result.stopped && WIFSIGNALED(result.wait_status)) outcome.signal = WTERMSIG(result.wait_status);
  if (!result.stopped && WIFEXITED(result.wait_status)) outcome.exit_status = WEXITSTATUS(result.wait_status);
  return outcome;
}

}  // namespace kvx::inline v0
