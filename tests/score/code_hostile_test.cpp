#include <kvx/score/code_exec/code_exec.hpp>

#include <doctest/doctest.h>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <string_view>
#include <vector>

#include "support/reference.hpp"
#include "support/running.hpp"
#include "support/temp_dir.hpp"
#include "support/verdicts.hpp"

using namespace kvx;

namespace {
const SandboxLimits kHostileLimits = {.cpu_seconds = 1,
                                      .wall_seconds = 20,
                                      .memory_bytes = 256 << 20,
                                      .file_bytes = 1 << 20,
                                      .processes = 16,
                                      .output_bytes = 1000};

/// A program that does harm and then returns what its test expects, and its expected states: in bubblewrap, in a plain
/// process of a separate user, and in a plain process of this user, where "" means that it is too dangerous to run.
struct HostileProgram {
  std::string name, body, bubblewrap, own_user, same_user;
};

/// A socket that listens on this machine: a program that can reach the network can connect to it.
struct ListeningSocket {
  int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  unsigned port = 0;
  ListeningSocket() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ::bind(fd, reinterpret_cast<sockaddr*>(&address), size);
    ::listen(fd, 8);
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
    port = ntohs(address.sin_port);
  }
  ~ListeningSocket() { ::close(fd); }
};

/// `home` is a folder of this user that no other user may enter.
std::vector<HostileProgram> hostile_programs(const std::string& home, unsigned port, const std::string& sleep) {
  return {
      {"signal handlers",
       "for s in set(signal.Signals) - {9, 19}: signal.signal(s, signal.SIG_IGN)\n  while True: pass", "timeout",
       "timeout", "timeout"},
      {"memory bomb", "x = []\n  while True: x.append(bytearray(10**7))", "memory", "memory", "memory"},
      {"file filler", "with open('file', 'wb') as file:\n    while True: file.write(bytes(10**5))", "exception",
       "exception", "exception"},
      {"endless loop", "while True: pass", "timeout", "timeout", "timeout"},
      // Not contained without bubblewrap.
      {"network", "socket.create_connection(('127.0.0.1', " + std::to_string(port) + ")).close()", "exception",
       "passed", "passed"},
      // Contained without bubblewrap only by the change of user, which needs root.
      {"reading the home", "open('" + home + "/secret').read()", "exception", "exception", "passed"},
      {"writing outside", "open('" + home + "/new', 'w').write('x')", "exception", "exception", "passed"},
      // In bubblewrap, the parent is the first process of its namespace, which no process in it can kill, and there is
      // no other process. A separate user has no other process either, but there only killing the parent is an error.
      {"killing the parent", "os.kill(os.getppid(), 9)", "passed", "exception", ""},
      {"killing all", "os.kill(-1, 9)", "exception", "passed", ""},
      {"closing stdio", "os.closerange(0, 3)", "passed", "passed", "passed"},
      {"zombie children", "for i in range(8):\n    if os.fork() == 0: os._exit(0)", "passed", "passed", "passed"},
      {"orphans",
       "for i in range(4):\n    if os.fork() == 0:\n      os.setsid()\n      if os.fork() > 0: os._exit(0)\n      "
       "os.execv('/bin/sleep', ['sleep', '" +
           sleep + "'])",
       "passed", "passed", "passed"},
      {"huge output", "for i in range(200): sys.stdout.write('x' * 10**6)", "passed", "passed", "passed"},
  };
}
}  // namespace

TEST_CASE("Hostile programs are contained, and the run goes on") {
  const TempDir home;
  home.write("secret", "secret");
  const ListeningSocket server;
  const std::string sleep = std::to_string(200'000 + ::getpid()) + ".25";
  const auto programs = hostile_programs(home.path(), server.port, sleep);
  for (const bool bubblewrap : {true, false}) {
    CAPTURE(bubblewrap);
    const Sandbox sandbox({.limits = kHostileLimits, .bubblewrap = bubblewrap});
    kvx_test::Tally tally{bubblewrap ? "hostile programs, bubblewrap" : "hostile programs, plain process"};
    if (sandbox.isolates() != bubblewrap) {
      tally.not_applicable = static_cast<int>(programs.size());
      tally.why = sandbox.warning();
      continue;
    }
    const bool same_user = sandbox.warning().find("run as this user") != std::string::npos;
    std::vector<CodeProgram> sources;
    std::vector<std::string> names, expected;
    for (const HostileProgram& program : programs) {
      const std::string& state = bubblewrap ? program.bubblewrap : same_user ? program.same_user : program.own_user;
      if (state.empty()) {
        ++tally.not_applicable;
        tally.why = "programs run as this user";
        continue;
      }
      sources.push_back(
          {"import os, signal, socket, sys\ndef f():\n  " + program.body + "\n  return 1\n", "assert f() == 1\n"});
      names.push_back(program.name);
      expected.push_back(state);
    }
    const CodeExecTask task({.allow = true, .limits = kHostileLimits, .bubblewrap = bubblewrap});
    const auto states = kvx_test::states_of(task, sources);
    for (std::size_t i = 0; i < states.size(); ++i) {
      CAPTURE(names[i]);
      CHECK(states[i] == expected[i]);
      tally.count(states[i] == expected[i]);
    }
    CHECK(running("sleep\n" + sleep) == 0);
    // Runs without other programs, because it takes the processor from them.
    SandboxLimits short_limits = kHostileLimits;
    short_limits.wall_seconds = 1.5;
    const CodeExecTask short_task({.allow = true, .limits = short_limits, .bubblewrap = bubblewrap});
    const std::string fork_bomb = "import os\nwhile True:\n  try: os.fork()\n  except OSError: pass\n";
    CHECK(tally.count(short_task.verdict({fork_bomb, "assert f() == 1\n"}).state == "timeout"));
    CHECK(task.verdict({"def f(): return 1", "assert f() == 1"}).state == "passed");
  }
}
