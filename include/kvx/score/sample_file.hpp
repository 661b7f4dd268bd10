#pragma once

#include <kvx/core/error.hpp>
#include <kvx/io/json/json.hpp>
#include <kvx/io/json/json_tree.hpp>
#include <kvx/score/code_exec/code_samples.hpp>
#include <kvx/score/ifeval/ifeval_samples.hpp>
#include <kvx/score/sample.hpp>
#include <kvx/score/system_prompt.hpp>
#include <kvx/score/tool_call/bfcl_samples.hpp>
#include <kvx/score/tool_call/toolace_samples.hpp>
#include <kvx/score/tool_call/xlam_samples.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace kvx::inline v0 {

/// The samples of a file, and the place of each for errors.
struct SampleFile {
  std::vector<Sample> samples;
  std::vector<std::string> wheres;  ///< "FILE: line N" for each sample
  std::string answers = {};         ///< other inputs that the samples were made from: files, options
};

/// Which rows of a file are used, and how they become samples.
struct SampleFileOptions {
  bool completion = false;             ///< see code_sample()
  std::vector<std::string> skip = {};  ///< rows to leave out, by their key, id or task_id
  SystemPrompt system = {};            ///< see ifeval_sample()
};

namespace detail {

/// Whether a row's key, id or task_id, a text or a number, is among `labels`.
inline bool has_label(const JsonlRow& row, const std::vector<std::string>& labels) {
  for (const char* column : {"key", "id", "task_id"}) {
    const JsonTree* value = row.find(column);
    if (value == nullptr) continue;
    const std::string label = value->number() != nullptr   ? std::string(value->number()->digits())
                              : value->string() != nullptr ? *value->string()
                                                           : std::string();
    if (std::find(labels.begin(), labels.end(), label) != labels.end()) return true;
  }
  return false;
}

}  // namespace detail

/// Reads `text`, the contents of the file `path`: JSON lines or one array of objects. The columns of a row show its
/// kind: the six of a sample, or those of HumanEval, MBPP, BFCL, xLAM, ToolACE or IFEval. Throws Error, naming file and
/// line, for any other row.
inline SampleFile read_samples(const std::string& path, std::string_view text, const SampleFileOptions& options = {}) {
  SampleFile file;
  BfclSamples bfcl(path);
  const auto sample = [&](const JsonlRow& row) {
    if (is_code_row(row)) return code_sample(row, options.completion);
    if (is_bfcl_row(row)) return bfcl.sample(row);
    if (is_xlam_row(row)) return xlam_sample(row);
    if (is_toolace_row(row)) return toolace_sample(row);
    if (is_ifeval_row(row)) return ifeval_sample(row, options.system);
    if (row.find("context") == nullptr && row.find("answer_prefix") == nullptr)
      throw Error(row.where(),
                  "expected the columns context, question, answer_prefix, answer, task and max_new_tokens, "
                  "or those of HumanEval, MBPP, BFCL, xLAM, ToolACE or IFEval, found " +
                      detail::shortened(row.columns(), 100));
    return sample_of(row);
  };
  each_row(path, text, [&](const JsonlRow& row) {
    if (detail::has_label(row, options.skip)) return;
    file.samples.push_back(sample(row));
    file.wheres.push_back(row.where());
  });
  file.answers = bfcl.answers_text();
  return file;
}

}  // namespace kvx::inline v0
