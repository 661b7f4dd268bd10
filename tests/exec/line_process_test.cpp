#include <kvx/exec/line_process.hpp>

#include <doctest/doctest.h>

#include <signal.h>

#include <string>

#include "support/error_of.hpp"

using namespace kvx;

namespace {
LineProcess line_shell(const std::string& script) {
  return LineProcess({.argv = {"/bin/sh", "-c", script}, .environment = {"PATH=/usr/bin:/bin"}});
}
constexpr std::size_t kLine = 1000;
}  // namespace

TEST_CASE("A program answers lines, also long ones, and its other output is kept apart") {
  LineProcess echo = line_shell("echo ready >&3; while read -r line; do echo noise; echo \"<$line>\" >&3; done");
  CHECK(echo.ask("", 20, kLine).line == "ready");
  CHECK(echo.ask("one", 20, kLine).line == "<one>");
  const std::string longer(300'000, 'x');
  CHECK(echo.ask(longer, 20, 1 << 20).line == "<" + longer + ">");
  CHECK(echo.ask("two", 20, kLine).line == "<two>");
  CHECK(echo.output().starts_with("noise\n"));
}

TEST_CASE("A program that ends, waits or prints too much gives no answer") {
  using Failure = LineProcess::Failure;
  const auto ended = line_shell("read -r line; echo why; exit 3").ask("x", 20, kLine);
  CHECK(ended.failure == Failure::ended);
  CHECK(ended.exit_status == 3);
  CHECK(line_shell("kill -9 $$").ask("", 20, kLine).signal == SIGKILL);
  CHECK(line_shell("sleep 1000").ask("x", 0.1, kLine).failure == Failure::timed_out);
  CHECK(line_shell("yes | tr -d '\\n' >&3").ask("", 20, kLine).failure == Failure::too_long);
  CHECK(error_of([] {
          (void)LineProcess({.argv = {"/no/where"}}).ask("", 20, kLine);
        }).starts_with("/no/where: execve: "));
}
