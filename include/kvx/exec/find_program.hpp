#pragma once

#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace kvx::inline v0 {

/// The real paths of the executable files called `name`, without duplicates, in the folders of PATH and then in the
/// usual folders. Scripts are skipped, because the shims of version managers search for the program in a user's home
/// folder.
inline std::vector<std::string> find_program(std::string_view name) {
  const char* path = std::getenv("PATH");
  const std::string folders = std::string(path == nullptr ? "" : path) + ":/usr/local/bin:/usr/bin:/bin";
  std::vector<std::string> found;
  for (std::size_t begin = 0; begin <= folders.size();) {
    const std::size_t end = std::min(folders.find(':', begin), folders.size());
    const std::filesystem::path folder = folders.substr(begin, end - begin);
    begin = end + 1;
    std::error_code error;
    const std::string file = std::filesystem::canonical(folder / name, error).string();
    if (!folder.is_absolute() || file.empty() || ::access(file.c_str(), X_OK) != 0) continue;
    char magic[2] = {};
    std::ifstream(file, std::ios::binary).read(magic, 2);
    if (std::string_view(magic, 2) == "#!" || std::find(found.begin(), found.end(), file) != found.end()) continue;
    found.push_back(file);
  }
  return found;
}

}  // namespace kvx::inline v0
