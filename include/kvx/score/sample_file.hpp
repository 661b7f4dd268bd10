#pragma once

#include <kvx/core/error.hpp>
#include <kvx/io/json.hpp>
#include <kvx/io/json_tree.hpp>
#include <kvx/score/bfcl_samples.hpp>
#include <kvx/score/code_samples.hpp>
#include <kvx/score/sample.hpp>
#include <kvx/score/toolace_samples.hpp>
#include <kvx/score/xlam_samples.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace kvx::inline v0 {

/// The samples of a file, and of each the place where it stands.
struct SampleFile {
  std::vector<Sample> samples;
  std::vector<std::string> wheres;
  std::string answers = {};  ///< the contents of another file that answers were taken from
};

/// Reads `text`, the contents of the file `path`: JSON lines or one array of objects. What a row is shows in its
/// columns: the six of a sample, or those of HumanEval, MBPP, BFCL, xLAM or ToolACE; `completion` as in code_sample().
/// At most `limit` samples, 0 for all. Throws Error, naming file and line, for a row that is none of them.
inline SampleFile read_samples(const std::string& path, std::string_view text, bool completion, std::size_t limit) {
  SampleFile file;
  BfclSamples bfcl(path);
  const auto sample = [&](const JsonlRow& row) {
    if (is_code_row(row)) return code_sample(row, completion);
    if (is_bfcl_row(row)) return bfcl.sample(row);
    if (is_xlam_row(row)) return xlam_sample(row);
    if (is_toolace_row(row)) return toolace_sample(row);
    if (row.find("context") == nullptr && row.find("answer_prefix") == nullptr)
      throw Error(row.where(),
                  "expected the columns context, question, answer_prefix, answer, task and max_new_tokens, "
                  "or those of HumanEval, MBPP, BFCL, xLAM or ToolACE, found " +
                      detail::shortened(row.columns(), 100));
    return row.sample();
  };
  each_row(path, text, [&](const JsonlRow& row) {
    if (limit > 0 && file.samples.size() == limit) return;
    file.samples.push_back(sample(row));
    file.wheres.push_back(row.where());
  });
  file.answers = bfcl.answers_text();
  return file;
}

}  // namespace kvx::inline v0
