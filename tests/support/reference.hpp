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

/// The value of an environment variable, empty when it is unset.
inline std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

/// A file of references: the one in KVX_SHARED, where it is there, or else the project's own and smaller one.
struct Reference {
  Reference(const std::string& own, const std::string& shared) : path(own) {
    const std::string folder = environment("KVX_SHARED");
    if (!folder.empty() && std::filesystem::exists(folder + "/" + shared)) path = folder + "/" + shared;
    is_own = path == own;
    if (is_own && !folder.empty())
      std::printf("%s: not in KVX_SHARED, its cases are skipped; the project's own are run\n", shared.c_str());
  }

  std::string path;
  bool is_own;
  /// How many cases there have to be: of the project's own file it is known.
  int at_least(int own_cases) const { return is_own ? own_cases : 1; }
};

/// A file of tests/data, and its larger form at the same place in KVX_SHARED/data.
inline Reference reference(const std::string& path) {
  return {std::string(KVX_SOURCE_DIR "/tests/data/") + path, "data/" + path};
}

/// Calls f(row) for each line of a JSONL file.
template <class F>
void each_row(const std::string& path, F&& f) {
  const kvx::MappedFile file(path);
  const std::string_view text = file.text();
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    f(kvx::JsonDocument::parse(text.substr(at, end - at), path).root());
    at = end == text.npos ? text.size() : end + 1;
  }
}

inline std::vector<kvx::Token> tokens(const kvx::JsonValue& ids) {
  std::vector<kvx::Token> result;
  ids.each_element([&](const kvx::JsonValue& id) { result.push_back(static_cast<kvx::Token>(id.integer())); });
  return result;
}

/// Counts a suite's cases and prints its closing line.
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
