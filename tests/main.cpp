// doctest's main, and --isa=PATH: runs the tests on that path of the kernels. Returns kSkipped, and prints why, where
// the CPU cannot run it or where the tests run on it without being asked.
#include <kvx/kernels/isa.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

namespace {

constexpr int kSkipped = 77;  // SKIP_RETURN_CODE in isa.cmake

/// Why not to run on `path`, or nothing.
std::string reason_to_skip(const std::string& path) {
  const char* const chosen = std::getenv("KVX_ISA");
  if (path == (chosen != nullptr ? chosen : name_of(kvx::default_isa())))
    return "it is this machine's path in unit.model";
  std::string names;
  for (const kvx::Isa each : kvx::available_isas()) {
    if (name_of(each) == path) return "";
    names.append(names.empty() ? "" : ", ").append(name_of(each));
  }
  return "this CPU runs " + names;
}

}  // namespace

int main(int argc, char** argv) {
  constexpr std::string_view kOption = "--isa=";
  for (int i = 1; i < argc; ++i) {
    if (!std::string_view(argv[i]).starts_with(kOption)) continue;
    const std::string path = argv[i] + kOption.size();
    if (const std::string reason = reason_to_skip(path); !reason.empty()) {
      std::printf("isa %s: skipped, %s\n", path.c_str(), reason.c_str());
      return kSkipped;
    }
    ::setenv("KVX_ISA", path.c_str(), 1);
  }
  return doctest::Context(argc, argv).run();
}
