#include <kvx/core/available_bytes.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <limits>

#include "support/temp_dir.hpp"

using namespace kvx;

TEST_CASE("the bytes that this process can allocate are at most those of the machine") {
  CHECK(available_bytes() > std::size_t{1} << 20);
  CHECK(available_bytes() <= detail::number_after("/proc/meminfo", "MemTotal:", 0) << 10);
}

TEST_CASE("a control group's limit counts without the files in its cache") {
  constexpr std::size_t kNoLimit = std::numeric_limits<std::size_t>::max();
  const TempDir group;
  CHECK(detail::group_bytes(group.path()) == kNoLimit);
  group.write("memory.current", "900\n");
  group.write("memory.max", "max\n");
  CHECK(detail::group_bytes(group.path()) == kNoLimit);
  group.write("memory.max", "1000\n");
  CHECK(detail::group_bytes(group.path()) == 100);
  group.write("memory.stat", "anon 500\nfile 400\ninactive_anon 7\ninactive_file 300\nactive_file 20\n");
  CHECK(detail::group_bytes(group.path()) == 420);
  group.write("memory.max", "500\n");
  CHECK(detail::group_bytes(group.path()) == 0);
}
