#pragma once

#include <kvx/core/error.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/core/threads.hpp>
#include <kvx/eval/records/cell_json.hpp>
#include <kvx/eval/records/cell_name.hpp>
#include <kvx/eval/records/record.hpp>
#include <kvx/eval/records/record_reading.hpp>
#include <kvx/eval/tables/results.hpp>
#include <kvx/eval/tables/results_json.hpp>
#include <kvx/io/json/json_writer.hpp>
#include <kvx/score/context_note.hpp>
#include <kvx/score/judged_text.hpp>
#include <kvx/score/sample.hpp>
#include <kvx/score/sample_grader.hpp>
#include <kvx/score/task.hpp>
#include <kvx/score/task_registry.hpp>
#include <kvx/score/thought_marks.hpp>
#include <kvx/score/tool_call/tool_forms.hpp>

#include <cstddef>
#include <exception>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// The scores of the answers in a file.
struct GradedFile {
  std::string json;                           ///< one line
  std::map<std::string, std::size_t> others;  ///< the number of skipped records, by their task
};

/// Options for grading the answers in a file.
struct GradeOptions {
  std::optional<std::vector<ThoughtMarks>> thoughts = {};  ///< besides <think>; default: those in the record, if any
  std::optional<ToolForms> tool_forms = {};                ///< default: those in the record, if any
  int threads = 0;                                         ///< 0: one for each core
};

namespace detail {

/// Reads the rows of a file and grades them in parallel.
class FileGrader {
 public:
  FileGrader(const AnyTask& task, const GradeOptions& options, Threads& threads)
      : task_(task), options_(options), threads_(threads) {}

  void add(const JsonlRow& row) {
    if (row.find("graded_as") != nullptr && row.string("graded_as") != task_.name()) {
      ++others[row.string("graded_as")];
      return;
    }
    Record record;
    record.model = row.find("model") != nullptr ? row.string("model") : "";
    record.task = task_.name();
    if (row.find("press") != nullptr) read_cell(row, record);
    if (row.find("graded_as") != nullptr) record.reading = reading_of(row);
    if (options_.thoughts) record.reading.thoughts = *options_.thoughts;
    if (options_.tool_forms) record.reading.tool_forms = *options_.tool_forms;
    record.sample = sample_of(row);
    record.predicted_answer = row.at("predicted_answer").is_null() ? "" : row.string("predicted_answer");
    record.index = indices_.try_emplace(name_of_sample(row, record), indices_.size()).first->second;
    if (is_of_run(row) && is_again(row, record)) return;
    std::size_t first = waiting_.size();
    if (record.grade.state != kNotApplicable) {
      const std::size_t known = firsts_.try_emplace(record.index, first).first->second;
      if (known < first && waiting_[known].record.sample == record.sample) first = known;
    }
    waiting_.push_back({std::move(record), row.where(), first});
    if (waiting_.size() >= kMostWaiting) finish();
  }

  /// Grades the waiting rows. A sample is prepared once for all its rows.
  void finish() {
    each_graded([&](Waiting& row) {
      if (&row == &waiting_[row.first])
        row.grader = at_place(row.where, [&] { return task_.prepare(row.record.sample); });
    });
    each_graded([&](Waiting& row) {
      const auto& grader = waiting_[row.first].grader;
      if (grader) grade(row, *grader);
    });
    for (Waiting& graded : waiting_) {  // the first error in the file is thrown
      if (graded.error) std::rethrow_exception(graded.error);
      records.push_back(without_texts(std::move(graded.record)));
    }
    waiting_.clear();
    firsts_.clear();
  }

  std::vector<Record> records;  ///< without their texts, in the order of the file
  std::map<std::string, std::size_t> others;

 private:
  static constexpr std::size_t kMostWaiting = 1024;  // rows whose texts are in memory at a time

  struct Waiting {
    Record record;
    std::string where;
    std::size_t first;                        ///< the waiting row with the grader: the first with the same sample
    std::optional<SampleGrader> grader = {};  ///< set before any row is graded
    std::exception_ptr error = {};
  };

  static void read_cell(const JsonlRow& row, Record& record) {
    record.press = row.string("press");
    record.ratio = ratio_of(row);
    if (row.find("budget") != nullptr) record.budget = row.string("budget");
    if (row.find("query_aware") != nullptr) record.query_aware = boolean(row, "query_aware");
    if (row.find("attempt") != nullptr) record.attempt = whole_number(row, "attempt");
    if (row.find("state") != nullptr && row.string("state") == kNotApplicable) record.grade.state = kNotApplicable;
  }

  /// Whether the row is a record of a run. A run records each answer once.
  static bool is_of_run(const JsonlRow& row) {
    return row.find("graded_as") != nullptr && row.find("index") != nullptr;
  }

  /// Whether an earlier row has the same answer. That row must be one that was not run, and was graded later. Throws
  /// Error for any other answer that occurs twice.
  bool is_again(const JsonlRow& row, const Record& record) {
    const bool is_not_run = row.find("state") != nullptr && *row.find("state") == JsonTree(std::string(kNotRun));
    const auto [seen, is_new] =
        seen_.try_emplace({record.model, record.cell(), record.index, record.attempt}, is_not_run);
    if (!is_new && !seen->second) throw Error(row.where(), "expected each answer once, found it again");
    return !is_new;
  }

  /// A name for the row's sample. Rows with the same name are answers to one sample: records with the same key and
  /// index, or other rows with the same task_id, id or key. Records of different runs have different keys, so their
  /// samples have different names.
  std::string name_of_sample(const JsonlRow& row, const Record& record) const {
    const std::string group = record.sample.task + '\0';
    if (is_of_run(row)) return group + row.string("key") + '\0' + std::to_string(whole_number(row, "index"));
    for (const char* column : {"task_id", "id", "key"}) {
      const JsonTree* value = row.find(column);
      if (value != nullptr && value->string() != nullptr) return group + column + '\0' + *value->string();
      if (value != nullptr && value->number() != nullptr)
        return group + column + '\0' + std::string(value->number()->digits());
    }
    return row.where();
  }

  /// Calls f(row) for each waiting row that has an answer, in parallel.
  template <class F>
  void each_graded(F&& f) {
    threads_.parallel_for(static_cast<Index>(waiting_.size()), 1, [&](Index begin, Index end) {
      for (Index i = begin; i < end; ++i) {
        Waiting& row = waiting_[static_cast<std::size_t>(i)];
        if (row.record.grade.state != kNotApplicable) try {
            f(row);
          } catch (...) {
            row.error = std::current_exception();
          }
      }
    });
  }

  void grade(Waiting& waiting, const SampleGrader& grader) const {
    Record& record = waiting.record;
    const AnswerReading reading = record.reading.reading();
    record.grade = at_place(waiting.where, [&] { return grader.grade(record.predicted_answer, reading); });
  }

  static Record without_texts(Record record) {
    record.predicted_answer = {};
    record.reading = {};
    record.grade.cluster = context_of(record);
    std::string group = std::move(record.sample.task);
    record.sample = {};
    record.sample.task = std::move(group);
    return record;
  }

  const AnyTask& task_;
  const GradeOptions& options_;
  Threads& threads_;
  std::vector<Waiting> waiting_;
  std::map<std::string, std::size_t> indices_;
  std::map<std::size_t, std::size_t> firsts_;  // the first waiting row of each sample, by its index
  /// The records so far, by model, cell, index and attempt: whether the answer was not run.
  std::map<std::tuple<std::string, CellName, std::size_t, std::size_t>, bool> seen_;
};

}  // namespace detail

/// Grades the answers of any engine in a JSONL file, plain or gzip, that has a sample's six columns and
/// predicted_answer (null: an empty answer). The result is one line of JSON with the score of each value of the column
/// `task`; for records of a grid, of each model, press and ratio. Rows with the same task_id, id or key are answers to
/// one sample, which counts once, by the mean of its answers. A grid's records are read for grading as during the run,
/// unless the options differ. Records with different keys belong to different samples. Records of another task are
/// skipped. Programs run in parallel. Throws Error for an unknown task, a bad file or line, a record that occurs twice,
/// and a file without an answer of the task.
inline GradedFile grade_file(const TaskRegistry& registry, std::string_view task_name, const std::string& path,
                             const GradeOptions& options = {}) {
  const AnyTask& task = registry.at(task_name);
  Threads workers(options.threads);
  detail::FileGrader grader(task, options, workers);
  each_jsonl_row(path, [&](const JsonlRow& row) { grader.add(row); });
  grader.finish();
  if (grader.records.empty()) {
    std::string found;
    for (const auto& [name, count] : grader.others)
      found.append(found.empty() ? "" : ", ").append(std::to_string(count)).append(" of ").append(name);
    throw Error(path, "expected answers of " + std::string(task_name) + ", found " + found);
  }
  const auto cells = score_cells(registry, grader.records);
  const auto names = detail::cell_names(cells);
  JsonWriter out;
  out.begin_object();
  for (std::size_t c = 0; c < cells.size(); ++c) {
    const CellResult& cell = cells[c];
    const bool is_in_grid = !cell.cell.press.empty();
    out.key(is_in_grid || !cell.model.empty() ? names[c] : cell.group).begin_object();
    if (!cell.model.empty()) out.key("model").value(cell.model);
    if (is_in_grid) {
      write_cell(cell.cell, out, "ratio");
      out.key("not_applicable").value(cell.not_applicable);
    }
    out.key("n").value(cell.score.n).key("contexts").value(cell.score.contexts);
    if (const auto note = context_note(cell.score.contexts); !note.empty()) out.key("note").value(note);
    out.key("states").begin_object();
    for (const auto& [state, count] : cell.score.states) out.key(state).value(count);
    out.end_object();
    out.key("unfinished").value(cell.score.unfinished).key("as_read").value(cell.score.as_read);
    detail::write_estimates("metrics", cell.score.metrics, out);
    detail::write_estimates("summaries", cell.score.summaries, out);
    out.end_object();
  }
  out.end_object();
  return {out.text(), std::move(grader.others)};
}

}  // namespace kvx::inline v0
