#include <kvx/exec/process.hpp>
#include <kvx/exec/user.hpp>

#include <doctest/doctest.h>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "support/error_of.hpp"
#include "support/running.hpp"
#include "support/temp_dir.hpp"

using namespace kvx;

namespace {
ProcessOptions shell(const std::string& script) {
  return {.argv = {"/bin/sh", "-c", script}, .environment = {"PATH=/usr/bin:/bin"}, .limits = {.wall_seconds = 20}};
}
/// A number of seconds to sleep that no other test uses.
std::string unusual_seconds() { return std::to_string(100'000 + ::getpid()) + "." + std::to_string(std::rand()); }
std::ptrdiff_t open_descriptors() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), std::filesystem::directory_iterator());
}
}  // namespace

TEST_CASE("A program receives input, environment and folder, and returns output, report and status") {
  const TempDir folder;
  ProcessOptions options = shell("cat; echo $NAME; pwd; echo to the caller >&3; echo error >&2; exit 7");
  options.environment.push_back("NAME=value");
  options.directory = folder.path();
  options.input = "line\n";
  const ProcessOutcome outcome = run_process(options);
  CHECK(outcome.output == "line\nvalue\n" + folder.path() + "\nerror\n");
  CHECK(outcome.report == "to the caller\n");
  CHECK(outcome.exit_status == 7);
  CHECK(outcome.signal == 0);
  CHECK_FALSE(outcome.timed_out);
  CHECK(run_process(shell("env")).output.find("HOME") == std::string::npos);
}

TEST_CASE("The outcome has the signal that ended a program") {
  CHECK(run_process(shell("kill -SEGV $$")).signal == SIGSEGV);
  CHECK(run_process(shell("kill -KILL $$")).signal == SIGKILL);
}

TEST_CASE("A program that cannot be run throws an error") {
  CHECK(error_of([] { run_process({.argv = {"/nowhere/program"}}); }) ==
        "/nowhere/program: execve: No such file or directory");
  CHECK(error_of([] { run_process({.argv = {"/bin/true"}, .directory = "/nowhere"}); }) ==
        "/bin/true: chdir: No such file or directory");
}

TEST_CASE("Processes that a program has started are killed when it ends or reaches its wall time") {
  const std::string seconds = unusual_seconds();
  const std::string daemons = "for i in 1 2 3; do (setsid sleep " + seconds + " >/dev/null 2>&1 &) ; done; ";
  CHECK(run_process(shell(daemons + "echo done")).output == "done\n");
  CHECK(running(seconds) == 0);
  ProcessOptions options = shell("trap '' TERM INT HUP; " + daemons + "sleep " + seconds);
  options.limits.wall_seconds = 0.3;
  const ProcessOutcome outcome = run_process(options);
  CHECK(outcome.timed_out);
  CHECK(running(seconds) == 0);
}

TEST_CASE("No process is left when the caller is killed") {
  const std::string seconds = unusual_seconds();
  const pid_t caller = ::fork();
  if (caller == 0) {
    run_process(shell("(setsid sleep " + seconds + " &); sleep " + seconds));
    ::_exit(0);
  }
  CHECK(within(20, [&] { return running("sleep\n" + seconds) == 2; }));
  ::kill(caller, SIGKILL);
  ::waitpid(caller, nullptr, 0);
  CHECK(within(20, [&] { return running(seconds) == 0; }));
}

TEST_CASE("Output beyond the limit is dropped and does not block the program") {
  ProcessOptions options = shell("head -c 30000000 /dev/zero; echo end >&3");
  options.output_bytes = 1000;
  const ProcessOutcome outcome = run_process(options);
  CHECK(outcome.output.size() == 1000);
  CHECK(outcome.report == "end\n");
}

TEST_CASE("Limits of CPU time, memory and files are enforced") {
  ProcessOptions loop = shell("while :; do :; done");
  loop.limits.cpu_seconds = 1;
  const ProcessOutcome outcome = run_process(loop);
  CHECK(outcome.signal == SIGXCPU);
  CHECK(outcome.cpu_seconds > 0.8);
  CHECK(outcome.cpu_seconds < 3);
  ProcessOptions limited = shell("ulimit -v; ulimit -f; ulimit -c; ulimit -n");
  limited.limits.memory_bytes = 256 << 20;
  limited.limits.file_bytes = 1 << 20;
  CHECK(run_process(limited).output == "262144\n2048\n0\n256\n");
}

TEST_CASE("Several threads can run programs at the same time, and no descriptor or zombie is left") {
  run_process(shell(":"));
  const auto before = open_descriptors();
  std::atomic<int> correct = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([t, &correct] {
      for (int i = 0; i < 8; ++i) {
        const std::string text = std::to_string(t) + " " + std::to_string(i) + "\n";
        ProcessOptions options = shell("cat; (sleep 60 &)");
        options.input = text;
        correct += run_process(options).output == text;
      }
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(correct == 32);
  CHECK(open_descriptors() == before);
  CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
}

TEST_CASE("A caller that ignores SIGCHLD gets an outcome") {
  struct sigaction ignore {
  }, before{};
  ignore.sa_handler = SIG_IGN;
  ::sigaction(SIGCHLD, &ignore, &before);
  CHECK(run_process(shell("exit 3")).exit_status == 3);
  ::sigaction(SIGCHLD, &before, nullptr);
}

TEST_CASE("Programs of root can run as an unused user, and a fork bomb is killed at the end") {
  if (::geteuid() != 0) return;
  ProcessOptions options = shell("id -u; id -g; id -G; b() { b | b & }; (b &); exec sleep 60");
  const unsigned uid = unused_user();
  options.uid = uid;
  options.limits.processes = 40;
  options.limits.wall_seconds = 1;
  const ProcessOutcome outcome = run_process(options);
  const std::string id = std::to_string(uid) + "\n";
  CHECK(outcome.timed_out);
  CHECK(outcome.output.starts_with(id + id + id));
  CHECK(running_as(uid) == 0);
}
