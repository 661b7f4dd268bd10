#pragma once

#include <kvx/io/json/jsonl.hpp>
#include <kvx/score/sample.hpp>
#include <kvx/score/system_prompt.hpp>

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kvx::inline v0 {

/// Which rows of a file are used, and how they become samples.
struct SampleFileOptions {
  bool completion = false;             ///< a base model continues a text; otherwise a chat model answers a request
  std::vector<std::string> skip = {};  ///< rows to leave out, by their key, id or task_id
  SystemPrompt system = {};            ///< the form of system messages with instructions
};

/// A file whose rows become samples.
struct RowFile {
  std::string path;
  SampleFileOptions options = {};
  std::string answers = {};  ///< the contents of other files that samples were made from
};

/// Makes the sample of a row. Throws Error, naming the row, for a row that does not have all that the form requires.
using RowReader = std::function<Sample(const JsonlRow&)>;

/// A form of rows in which a data set is published. Its columns differ from the six of a sample.
struct RowForm {
  std::string_view name;               ///< of the data set
  bool (*fits)(const JsonlRow&);       ///< whether a row has the columns of this form
  RowReader (*reader)(RowFile& file);  ///< makes the reader of a file's rows; `file` outlives it
};

/// The names of the forms: "A, B or C".
inline std::string form_names(std::span<const RowForm> forms) {
  std::string names;
  for (std::size_t i = 0; i < forms.size(); ++i)
    names.append(i == 0 ? "" : i + 1 < forms.size() ? ", " : " or ").append(forms[i].name);
  return names;
}

}  // namespace kvx::inline v0
