#pragma once

#include <kvx/core/error.hpp>
#include <kvx/eval/speed/speed.hpp>
#include <kvx/exec/descriptor.hpp>
#include <kvx/kernels/isa.hpp>

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

namespace detail {

/// Calls visit(value) for every number that a benchmark fills in, always in the same order.
template <class Visit>
void each_measurement(SpeedReport& report, Visit&& visit) {
  visit(report.load_seconds);
  visit(report.limits.read.best);
  visit(report.limits.read.least);
  for (auto& [path, peak] : report.limits.peaks) {
    visit(peak.best);
    visit(peak.least);
  }
  for (SpeedTest& test : report.tests) {
    visit(test.tokens_per_second);
    visit(test.deviation);
  }
}

}  // namespace detail

/// Calls `bench` on a copy of `report` in a child process that uses the kernel path `path`, and returns the filled-in
/// copy. A process uses the same path for all of its life. Throws Error if the child process fails. No other thread may
/// be running, and isa() must not have been called, because the child would keep the path that was chosen then.
inline SpeedReport bench_on_path(Isa path, SpeedReport report, const std::function<void(SpeedReport&)>& bench) {
  const std::string name(name_of(path)), where = "path " + name;
  const detail::Descriptor file(::memfd_create("kvx", MFD_CLOEXEC));
  if (file.get() < 0) detail::fail_call(where, "memfd_create", errno);
  const pid_t child = ::fork();
  if (child < 0) detail::fail_call(where, "fork", errno);
  if (child == 0) {
    int code = 1;
    try {
      ::setenv("KVX_ISA", name.c_str(), 1);
      if (isa() != path)
        throw Error(where,
                    "expected a process that has not chosen a kernel path, found " + std::string(name_of(isa())));
      bench(report);
      std::vector<double> values;
      detail::each_measurement(report, [&](double& value) { values.push_back(value); });
      const std::size_t bytes = values.size() * sizeof(double);
      if (::write(file.get(), values.data(), bytes) == static_cast<ssize_t>(bytes)) code = 0;
    } catch (const std::exception& error) {
      std::fprintf(stderr, "%s\n", error.what());
    }
    ::_exit(code);
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0)
    if (errno != EINTR) detail::fail_call(where, "waitpid", errno);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) throw Error(where, "the benchmark's process failed");
  report.limits.peaks.clear();
  for (const Isa isa_path : available_isas()) report.limits.peaks.emplace_back(isa_path, Spread());
  off_t at = 0;
  detail::each_measurement(report, [&](double& value) {
    if (::pread(file.get(), &value, sizeof value, at) != sizeof value)
      throw Error(where, "expected more measurements from the benchmark's process, found the end");
    at += static_cast<off_t>(sizeof value);
  });
  for (SpeedTest& test : report.tests) test.path = path;
  return report;
}

/// Runs the planned tests on each of `paths`. In the result, the runs of a test on all paths follow each other. The
/// conditions are those of bench_on_path().
inline SpeedReport bench_on_paths(std::span<const Isa> paths, const SpeedReport& planned,
                                  const std::function<void(SpeedReport&)>& bench) {
  SpeedReport all = planned;
  all.tests.clear();
  std::vector<SpeedReport> reports;
  for (const Isa path : paths) {
    reports.push_back(bench_on_path(path, planned, bench));
    all.limits.add(reports.back().limits);
    all.load_seconds = reports.back().load_seconds;  // of the last path, because the first may read from the disk
  }
  for (std::size_t t = 0; t < planned.tests.size(); ++t)
    for (const SpeedReport& report : reports) all.tests.push_back(report.tests[t]);
  return all;
}

/// Reads a list of paths: names separated by commas, or `all`. Throws Error for a path that this CPU cannot run.
inline std::vector<Isa> parse_paths(std::string_view names) {
  if (names == "all") return available_isas();
  std::vector<Isa> paths;
  for (std::size_t at = 0; at <= names.size();) {
    const std::size_t end = std::min(names.find(',', at), names.size());
    const std::string_view name = names.substr(at, end - at);
    std::string known;
    for (const Isa path : available_isas()) {
      if (name == name_of(path)) paths.push_back(path);
      known.append(", ").append(name_of(path));
    }
    if (paths.empty() || name != name_of(paths.back()))
      throw Error("paths", "expected all" + known + ", found '" + std::string(name) + "'");
    at = end + 1;
  }
  return paths;
}

}  // namespace kvx::inline v0
