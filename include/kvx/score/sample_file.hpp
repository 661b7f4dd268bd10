#pragma once

#include <kvx/core/error.hpp>
#include <kvx/io/json/json.hpp>
#include <kvx/io/json/json_tree.hpp>
#include <kvx/io/json/jsonl.hpp>
#include <kvx/score/row_form.hpp>
#include <kvx/score/sample.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// The samples of a file, and the place of each for errors.
struct SampleFile {
  std::vector<Sample> samples;
  std::vector<std::string> places;        ///< "FILE: line N" for each sample
  std::string answers = {};               ///< other inputs that the samples were made from: files, options
  std::vector<std::string> skipped = {};  ///< the ids of rows that were left out
};

namespace detail {

/// Which of `labels` are a row's key, id or task_id, a text or a number.
inline std::vector<std::string> labels_of(const JsonlRow& row, const std::vector<std::string>& labels) {
  std::vector<std::string> found;
  for (const char* column : {"key", "id", "task_id"}) {
    const JsonTree* value = row.find(column);
    if (value == nullptr) continue;
    const std::string label = value->number() != nullptr   ? std::string(value->number()->digits())
                              : value->string() != nullptr ? *value->string()
                                                           : std::string();
    if (std::find(labels.begin(), labels.end(), label) != labels.end()) found.push_back(label);
  }
  return found;
}

/// Calls f(JsonlRow) for each row of `text`, the contents of the file `path`: JSON lines or one array of objects.
template <class F>
void each_row(const std::string& path, std::string_view text, F&& f) {
  constexpr std::string_view kBlank = " \t\r\n";
  text = without_byte_order_mark(text);
  const std::size_t first = std::min(text.find_first_not_of(kBlank), text.size());
  const std::size_t second = std::min(text.find_first_not_of(kBlank, first + 1), text.size());
  if (!text.substr(first).starts_with('[') || !text.substr(second).starts_with('{'))
    return each_jsonl_row(path, text, f);
  const JsonDocument document = JsonDocument::parse(text, path);
  document.root().each_element(
      [&](const JsonValue& row) { f(JsonlRow(simdjson::minify(row.element()), row.where())); });
}

}  // namespace detail

/// Reads `text`, the contents of the file `path`: JSON lines or one array of objects. The columns of a row show whether
/// it has one of the `forms` or the six columns of a sample. Throws Error, naming file and line, for any other row.
inline SampleFile read_samples(const std::string& path, std::string_view text, std::span<const RowForm> forms,
                               const SampleFileOptions& options = {}) {
  RowFile rows{path, options};
  std::vector<RowReader> readers;
  for (const RowForm& form : forms) readers.push_back(form.reader(rows));
  const auto sample = [&](const JsonlRow& row) {
    for (std::size_t i = 0; i < forms.size(); ++i)
      if (forms[i].fits(row)) return readers[i](row);
    if (row.find("context") == nullptr && row.find("answer_prefix") == nullptr)
      throw Error(row.where(),
                  "expected the columns context, question, answer_prefix, answer, task and max_new_tokens, " +
                      (forms.empty() ? "" : "or those of " + form_names(forms) + ", ") + "found " +
                      detail::shortened(row.columns(), 100));
    return sample_of(row);
  };
  SampleFile file;
  detail::each_row(path, text, [&](const JsonlRow& row) {
    if (const auto labels = detail::labels_of(row, options.skip); !labels.empty())
      return void(file.skipped.insert(file.skipped.end(), labels.begin(), labels.end()));
    file.samples.push_back(sample(row));
    file.places.push_back(row.where());
  });
  file.answers = std::move(rows.answers);
  return file;
}

}  // namespace kvx::inline v0
