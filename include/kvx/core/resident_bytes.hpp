#pragma once

#include <malloc.h>
#include <unistd.h>

#include <cstddef>
#include <fstream>

namespace kvx::inline v0 {

/// The bytes of this process that are in memory now. The heap's free memory is returned to the system first.
inline std::size_t resident_bytes() {
  ::malloc_trim(0);
  std::size_t total = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> total >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace kvx::inline v0
