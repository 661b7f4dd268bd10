#pragma once

#include <filesystem>
#include <string>
#include <system_error>

namespace kvx_cli {

/// The folder of the example data and models: that of the installation which this program belongs to, or else that of
/// the source tree from which it was built.
inline std::string example_folder() {
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  const auto installed = (program.parent_path() / KVX_INSTALLED_EXAMPLES).lexically_normal();
  return std::filesystem::is_directory(installed, error) ? installed.string() : KVX_SOURCE_EXAMPLES;
}

/// The directory of a small model for first steps.
inline std::string example_model() { return example_folder() + "/models/tiny"; }

/// A file or folder of the example data.
inline std::string example_data(const std::string& path) { return example_folder() + "/data/" + path; }

}  // namespace kvx_cli
