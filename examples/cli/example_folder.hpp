#pragma once

#include <kvx/core/error.hpp>

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

/// The place of a data file that a user names: `path` or, if that is relative and does not exist, the file of that path
/// in the example data. Throws kvx::Error if there is neither.
inline std::string find_data(const std::string& path) {
  std::error_code error;
  if (path.starts_with('/') || std::filesystem::exists(std::filesystem::symlink_status(path, error))) return path;
  const std::string example = example_data(path);
  if (std::filesystem::is_regular_file(example, error)) return example;
  throw kvx::Error(path, "cannot open: expected this file or " + example + ", found neither");
}

}  // namespace kvx_cli
