#pragma once

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <initializer_list>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

namespace kvx::inline v0 {

namespace detail {

struct ResourceLimit {
  int resource;
  rlimit value;
};

/// A supervisor's task. It is prepared before the fork, since nothing may allocate or lock after it.
struct SupervisedJob {
  char* const* argv;
  char* const* environment;
  const char* directory;
  std::span<const ResourceLimit> limits;
  std::optional<unsigned> uid;
  bool no_new_privileges;
  int input, output, report, control, status;
};

/// The report of a supervisor.
struct SupervisorReport {
  const char* failed_call = nullptr;  // a string literal: a fork keeps its address
  int error = 0;
  int wait_status = 0;
  bool stopped = false;  // whether it was stopped before it ended
  double cpu_seconds = 0;
};

// The open descriptors of a supervisor. Its child keeps those before kControl.
enum SupervisedFd : int {
  kInput = 0,
  kOutput = 1,
  kErrors = 2,
  kReport = 3,
  kControl = 4,
  kStatus = 5,
  kFirstFree = 6
};

inline void send_report(const SupervisorReport& report) {
  while (::write(kStatus, &report, sizeof report) < 0 && errno == EINTR) continue;
}

/// Ends the process by a direct system call: a sanitizer's _exit() would write the contents of the caller's buffers.
[[noreturn]] inline void exit_directly(int status) {
  for (;;) ::syscall(SYS_exit_group, status);
}

/// Reports that a system call has failed, and ends the process.
[[noreturn]] inline void exit_with_error(const char* call) {
  send_report({.failed_call = call, .error = errno});
  exit_directly(1);
}

/// Closes all descriptors from `first` on. Pipes of other runs are among them, and a copy would keep them open.
inline void close_from(int first) {
  if (::syscall(SYS_close_range, first, ~0U, 0) == 0) return;
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  for (int fd = first; fd < static_cast<int>(limit.rlim_cur); ++fd) ::close(fd);
}

/// Gives the job's descriptors the numbers of SupervisedFd, and closes all others.
inline void arrange_descriptors(const SupervisedJob& job) {
  std::array<int, 6> from = {job.input, job.output, job.output, job.report, job.control, job.status};
  for (int& fd : from)  // away from the numbers that they will get
    if ((fd = ::fcntl(fd, F_DUPFD_CLOEXEC, 16)) < 0) exit_directly(1);
  for (int to = 0; to < kFirstFree; ++to) {
    const int fd = from[static_cast<std::size_t>(to)];
    if ((to < kControl ? ::dup2(fd, to) : ::dup3(fd, to, O_CLOEXEC)) < 0) exit_directly(1);
  }
  close_from(kFirstFree);
}

inline double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

inline void default_signals() {
  for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
}

/// Switches to a user by direct system calls: the library's functions would also change other threads.
inline bool switch_user(unsigned uid) {
  return ::syscall(SYS_setgroups, 0, nullptr) == 0 && ::syscall(SYS_setresgid, uid, uid, uid) == 0 &&
         ::syscall(SYS_setresuid, uid, uid, uid) == 0;
}

/// Replaces the process by the program.
[[noreturn]] inline void execute_program(const SupervisedJob& job) {
  ::setsid();
  if (::chdir(job.directory) != 0) exit_with_error("chdir");
  // If the system runs out of memory, it kills this process first.
  if (const int file = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC); file >= 0) {
    [[maybe_unused]] const auto written = ::write(file, "1000", 4);
    ::close(file);
  }
  for (const ResourceLimit& limit : job.limits)
    if (::setrlimit(static_cast<__rlimit_resource_t>(limit.resource), &limit.value) != 0) exit_with_error("setrlimit");
  if (job.uid && !switch_user(*job.uid)) exit_with_error("setresuid");
  if (job.no_new_privileges && ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) exit_with_error("no_new_privs");
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // after the change of user, which clears it
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execve(job.argv[0], job.argv, job.environment);
  exit_with_error("execve");
}

/// Sends SIGKILL to the processes of a list in /proc, and then to their children. A killed parent starts no processes
/// and waits for none, so the numbers of its children cannot belong to other processes yet.
inline void kill_children(const char* list, int depth = 0) {
  const int file = ::open(list, O_RDONLY | O_CLOEXEC);
  if (file < 0) return;
  std::array<char, 1024> text;
  std::array<char, 12> digits;
  std::size_t count = 0;
  for (ssize_t size; (size = ::read(file, text.data(), text.size())) > 0;)
    for (const char c : std::span(text).first(static_cast<std::size_t>(size))) {
      if (c >= '0' && c <= '9' && count < digits.size()) {
        digits[count++] = c;
      } else if (count > 0) {
        const std::string_view number(digits.data(), std::exchange(count, 0));
        pid_t pid = 0;
        for (const char digit : number) pid = pid * 10 + (digit - '0');
        ::kill(pid, SIGKILL);
        std::array<char, 64> path{};
        char* end = path.data();
        for (const std::string_view part :
             {std::string_view("/proc/"), number, std::string_view("/task/"), number, std::string_view("/children")})
          end = std::copy(part.begin(), part.end(), end);
        if (depth < 32) kill_children(path.data(), depth + 1);
      }
    }
  ::close(file);
}

/// Kills all processes of a user at once, so that none can escape by forking.
inline void kill_user(unsigned uid) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    if (switch_user(uid)) ::kill(-1, SIGKILL);
    exit_directly(0);
  }
  if (pid > 0) ::waitpid(pid, nullptr, 0);
}

/// Kills and waits until no descendant is left. Descendants whose parent has ended become children of the subreaper,
/// which is this process.
inline void kill_descendants(const SupervisedJob& job, int child_events) {
  for (;;) {
    if (job.uid) kill_user(*job.uid);
    kill_children("/proc/thread-self/children");
    pid_t pid;
    while ((pid = ::waitpid(-1, nullptr, WNOHANG)) > 0) continue;
    if (pid < 0 && errno == ECHILD) return;
    signalfd_siginfo event;
    pollfd polled{child_events, POLLIN, 0};
    if (::poll(&polled, 1, 1) > 0) {
      [[maybe_unused]] const auto count = ::read(child_events, &event, sizeof event);
    }
  }
}

/// The main function of the supervisor, a process between the caller and the program. It runs the program until the
/// program ends, or until the caller closes its end of `control` or dies. Then it kills all processes that the program
/// has started, and sends a report. It calls only functions that are safe after a fork of a process with threads.
[[noreturn]] inline void supervise(const SupervisedJob& job) {
  arrange_descriptors(job);
  ::setsid();  // so that a terminal's Ctrl-C reaches only the caller
  default_signals();
  sigset_t child_signal;
  ::sigemptyset(&child_signal);
  ::sigaddset(&child_signal, SIGCHLD);
  ::sigprocmask(SIG_SETMASK, &child_signal, nullptr);
  const int child_events = ::signalfd(-1, &child_signal, SFD_CLOEXEC | SFD_NONBLOCK);
  if (child_events < 0) exit_with_error("signalfd");
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0) exit_with_error("subreaper");
  const pid_t program = ::fork();
  if (program < 0) exit_with_error("fork");
  if (program == 0) execute_program(job);

  SupervisorReport report;
  for (bool running = true; running;) {
    pollfd polled[2] = {{child_events, POLLIN, 0}, {kControl, POLLIN, 0}};
    ::poll(polled, 2, -1);
    if (polled[1].revents != 0) {
      report.stopped = true;
      break;
    }
    signalfd_siginfo event;
    while (::read(child_events, &event, sizeof event) > 0) continue;
    int wait_status = 0;
    for (pid_t pid; running && (pid = ::waitpid(-1, &wait_status, WNOHANG)) > 0;) {
      if (pid != program) continue;
      running = false;
      report.wait_status = wait_status;
    }
  }
  kill_descendants(job, child_events);
  rusage usage{};
  ::getrusage(RUSAGE_CHILDREN, &usage);
  report.cpu_seconds = seconds(usage.ru_utime) + seconds(usage.ru_stime);
  send_report(report);
  exit_directly(0);
}

}  // namespace detail

}  // namespace kvx::inline v0
