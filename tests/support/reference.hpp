#pragma once

#include <kvx/core/token.hpp>
#include <kvx/io/json/json.hpp>
#include <kvx/io/mapped_file.hpp>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace kvx_test {

inline const std::string kTinyModel = KVX_SOURCE_DIR "/examples/models/tiny";
inline const std::string kTokenizerData = KVX_SOURCE_DIR "/tests/data/tokenizer";

/// The value of an environment variable; empty if it is not set.
inline std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

/// A file of reference data: the one in the folder KVX_SHARED if it exists, otherwise the smaller one in this
/// repository.
struct Reference {
  Reference(const std::string& own_path, const std::string& shared) : path(own_path) {
    const std::string folder = environment("KVX_SHARED");
    if (!folder.empty() && std::filesystem::exists(folder + "/" + shared)) path = folder + "/" + shared;
    is_own = path == own_path;
    if (is_own && !folder.empty())
      std::printf("%s: not in KVX_SHARED, so its cases are skipped; the cases in the repository are run\n",
                  shared.c_str());
  }

  std::string path;
  bool is_own;
  /// The least number of cases: `own_cases` for the file in this repository, at least 1 for a shared one.
  int at_least(int own_cases) const { return is_own ? own_cases : 1; }
};

/// A file of tests/data, or the larger file with the same path in KVX_SHARED/data.
inline Reference reference(const std::string& path) {
  return {std::string(KVX_SOURCE_DIR "/tests/data/") + path, "data/" + path};
}

/// Calls f(row) for each line of a JSONL file.
template <class F>
void each_row(const std::string& path, F&& f) {
  const kvx::MappedFile file(path);
  const std::string_view text = file.text();
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = text.find('\n', begin);
    f(kvx::JsonDocument::parse(text.substr(begin, end - begin), path).root());
    begin = end == text.npos ? text.size() : end + 1;
  }
}

inline std::vector<kvx::Token> tokens(const kvx::JsonValue& ids) {
  std::vector<kvx::Token> result;
  ids.each_element([&](const kvx::JsonValue& id) { result.push_back(static_cast<kvx::Token>(id.integer())); });
  return result;
}

/// Counts the cases of a suite, and prints a summary at the end.
struct Tally {
  std::string name;
  int cases = 0, failed = 0, not_applicable = 0;
  std::string why = {};

  bool count(bool passed) {
    ++cases;
    failed += !passed;
    return passed;
  }
  ~Tally() {
    std::printf("%s: %d cases, %d failed, %d not applicable%s\n", name.c_str(), cases, failed, not_applicable,
                why.empty() ? "" : (" (" + why + ")").c_str());
  }
};

}  // namespace kvx_test
