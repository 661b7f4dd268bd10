#include <kvx/exec/sandbox.hpp>

#include <doctest/doctest.h>

#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "support/error_of.hpp"
#include "support/reference.hpp"
#include "support/temp_dir.hpp"

using namespace kvx;

namespace {
const SandboxLimits kSmall = {
    .cpu_seconds = 1, .wall_seconds = 10, .memory_bytes = 256 << 20, .file_bytes = 1 << 20, .processes = 16};

/// Calls f(sandbox) for bubblewrap, if it works, and for a plain subprocess.
template <class F>
void each_sandbox(const std::string& suite, F&& f) {
  kvx_test::Tally tally{suite};
  for (const bool bubblewrap : {true, false}) {
    const Sandbox sandbox({.limits = kSmall, .bubblewrap = bubblewrap});
    CAPTURE(bubblewrap);
    if (sandbox.isolates() != bubblewrap) {
      ++tally.not_applicable;
      tally.why = sandbox.warning();
      continue;
    }
    f(sandbox);
    tally.count(true);
  }
}
std::string output(const Sandbox& sandbox, const std::string& source) { return sandbox.run_python(source, "").output; }
}  // namespace

TEST_CASE("A program has an empty folder, no variables of the caller, and no privileges") {
  ::setenv("KVX_TEST_SECRET", "secret", 1);
  each_sandbox("sandbox, surroundings", [](const Sandbox& sandbox) {
    CHECK(output(sandbox, "import os; print(os.listdir('.'), 'KVX_TEST_SECRET' in os.environ)") == "[] False\n");
    CHECK(output(sandbox, "open('file', 'w').write('x'); import os; print(os.listdir('.'))") == "['file']\n");
    CHECK(output(sandbox, "import tempfile; print(len(tempfile.mkdtemp()) > 0)") == "True\n");
    if (::geteuid() == 0 || sandbox.isolates())
      CHECK(output(sandbox, "import os; print(os.getuid() == 0, os.getgroups() == [0])") == "False False\n");
    CHECK(sandbox.run_python("import sys; print(sys.stdin.read())", "input").output == "input\n");
    CHECK(sandbox.run_python("import os; os.write(3, b'report')", "").report == "report");
  });
  ::unsetenv("KVX_TEST_SECRET");
}

TEST_CASE("In bubblewrap, a program sees neither the network nor the files on the disk") {
  const Sandbox sandbox({.limits = kSmall});
  kvx_test::Tally tally{"sandbox, bubblewrap"};
  if (!sandbox.isolates()) {
    ++tally.not_applicable;
    tally.why = sandbox.warning();
    return;
  }
  CHECK(tally.count(output(sandbox,
                           "import os; print(sorted(set(os.listdir('/')) - {'bin', 'sbin', 'lib', 'lib32', "
                           "'lib64', 'etc', 'nix'}))") == "['dev', 'tmp', 'usr']\n"));
  CHECK(tally.count(output(sandbox, "import socket; print(socket.if_nameindex())") == "[(1, 'lo')]\n"));
  CHECK(tally.count(output(sandbox, "import os; print(os.path.exists('" KVX_SOURCE_DIR "'))") == "False\n"));
  for (const char* folder : {"/", "/usr", "/dev", "/etc", "/home"}) {
    CAPTURE(folder);
    CHECK(tally.count(sandbox.run_python("open('" + std::string(folder) + "/kvx-file', 'w')", "").exit_status == 1));
  }
  CHECK(tally.count(output(sandbox, "for i in range(9):\n open(str(i), 'wb').write(bytes(500_000))")
                        .ends_with("No space left on device\n")));
}

TEST_CASE("Limits end a program, and the outcome says how") {
  each_sandbox("sandbox, limits", [](const Sandbox& sandbox) {
    CHECK(sandbox.run_python("while True: pass", "").timed_out);
    CHECK(output(sandbox, "x = bytearray(10**9)").ends_with("MemoryError\n"));
    CHECK(output(sandbox, "open('file', 'wb').write(bytes(2**21))").ends_with("File too large\n"));
    CHECK(sandbox.run_python("import os; os.kill(os.getpid(), 9)", "").signal == SIGKILL);
    CHECK_FALSE(sandbox.run_python("import os; os.kill(os.getpid(), 9)", "").timed_out);
    CHECK(sandbox.run_python("import os; os.abort()", "").signal == SIGABRT);
    CHECK(sandbox.run_python("import sys; sys.exit(3)", "").exit_status == 3);
  });
}

TEST_CASE("A folder that is hard to remove is removed") {
  const TempDir scratch;
  const std::string before = kvx_test::environment("TMPDIR");
  ::setenv("TMPDIR", scratch.path().c_str(), 1);
  const Sandbox sandbox({.limits = kSmall, .bubblewrap = false});
  CHECK(output(sandbox, "import os\nfor i in range(1500): os.mkdir('d'); os.chdir('d')").empty());
  CHECK(output(sandbox, "import os; os.mkdir('a'); os.mkdir('a/b'); os.chmod('a', 0); os.chmod('.', 0)").empty());
  before.empty() ? ::unsetenv("TMPDIR") : ::setenv("TMPDIR", before.c_str(), 1);
  CHECK(std::filesystem::is_empty(scratch.path()));
}

TEST_CASE("A sandbox warns about missing protection, or throws an error if bubblewrap is required") {
  const Sandbox plain({.bubblewrap = false});
  CHECK_FALSE(plain.isolates());
  CHECK(plain.warning().starts_with("without bubblewrap (not wanted), programs can reach the network"));
  CHECK(error_of([] { Sandbox({.bubblewrap = false, .require = true}); }) ==
        "sandbox: expected a working bubblewrap (bwrap), found: not wanted");
  const Sandbox best;
  CHECK(best.warning().starts_with("without bubblewrap") == !best.isolates());
  CHECK(best.python().starts_with("/"));
}

TEST_CASE("find_program returns real paths, and no scripts") {
  for (const std::string& file : find_program("sh")) CHECK(std::filesystem::canonical(file) == file);
  CHECK_FALSE(find_program("sh").empty());
  CHECK(find_program("no-such-program").empty());
}
