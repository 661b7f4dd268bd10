#pragma once

#include <kvx/core/error.hpp>
#include <kvx/io/json/json_tree.hpp>
#include <kvx/io/json/json_tree_parse.hpp>
#include <kvx/io/json/jsonl.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// One request of a task: what the model reads, what it should answer, and the answer's limit in tokens.
struct Sample {
  std::string context, question, answer_prefix, answer, task;
  int max_new_tokens = 0;
  std::string system = {};  ///< the system message, compressed with the context; empty: the chat template's default

  bool operator==(const Sample&) const = default;
};

/// The JSON object in a sample's column `answer`. Throws Error for anything else.
inline JsonTree answer_object(std::string_view answer) {
  auto tree = parse_json(answer);
  if (!tree || tree->object() == nullptr)
    throw Error("sample's answer", "expected a JSON object, found " + (tree ? std::string(tree->type()) : "no JSON"));
  return std::move(*tree);
}

/// A string in a sample's answer. Throws Error if the field is missing or is not a string.
inline const std::string& answer_string(const JsonTree& answer, const char* field) {
  const JsonTree* value = answer.find(field);
  if (value == nullptr) throw Error("sample's answer", std::string("missing field ") + field);
  if (value->string() == nullptr)
    throw Error("sample's answer", std::string(field) + ": expected a string, found " + std::string(value->type()));
  return *value->string();
}

/// A sample from the six columns of a row, and `system` if there is one. Throws Error, naming line and column, for
/// anything else.
inline Sample sample_of(const JsonlRow& row) {
  return {row.string("context"),
          row.string("question"),
          row.string("answer_prefix"),
          row.string("answer"),
          row.string("task"),
          row.count("max_new_tokens"),
          row.find("system") != nullptr && !row.find("system")->is_null() ? row.string("system") : ""};
}

/// Reads the six columns of a JSONL file, plain or gzip. Throws Error, naming line and column, for anything else.
inline std::vector<Sample> load_samples(const std::string& path) {
  std::vector<Sample> samples;
  each_jsonl_row(path, [&](const JsonlRow& row) { samples.push_back(sample_of(row)); });
  return samples;
}

}  // namespace kvx::inline v0
