#pragma once

#include <kvx/core/error.hpp>
#include <kvx/eval/records/output_file.hpp>
#include <kvx/eval/records/record.hpp>
#include <kvx/eval/records/record_lines.hpp>
#include <kvx/eval/records/record_order.hpp>
#include <kvx/io/json/json.hpp>
#include <kvx/io/json/jsonl.hpp>
#include <kvx/score/sample.hpp>
#include <kvx/score/task.hpp>
#include <kvx/score/task_registry.hpp>

#include <sys/types.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// The file to which the driver writes the settings of a run, one per line.
inline constexpr std::string_view kConfigFile = "config.yaml";
/// The other files that the driver writes next to the records.
inline constexpr std::string_view kResultsJson = "results.json", kResultsCsv = "results.csv", kRunFile = "run.json";

/// The keys of a run's records, by model and task.
using RunKeys = std::map<std::pair<std::string, std::string>, std::string>;

/// The records of a run, in DIR/records.jsonl. Each record is a line, which is appended as soon as the answer is there,
/// so that a run that was stopped can be resumed. Only one store at a time can use a directory.
class RecordStore {
 public:
  /// Creates `dir`, or reads the records that are in it. An incomplete last line is dropped. `tasks` has the tasks of
  /// the run. `config` is the text of the run's kConfigFile, and `kernel_path` the name of its kernels, as in kRunFile;
  /// an error uses both to say how another run differs. Throws Error if a line is damaged, if a record's key is not the
  /// one in `keys`, if another run uses the directory, and if the directory has files with the names of a run's files
  /// but no records.
  RecordStore(const std::string& dir, TaskRegistry tasks, RunKeys keys, RecordOrder order,
              const std::string& config = {}, const std::string& kernel_path = {})
      : tasks_(std::move(tasks)), keys_(std::move(keys)), records_(std::move(order)), file_(open_locked(dir)) {
    each_record_line(file_.path(), [&](const JsonlRow& row, std::size_t bytes) {
      const std::string& key = row.string("key");
      if (const auto own = keys_.find({row.string("model"), row.string("graded_as")});
          own == keys_.end() || own->second != key)
        throw Error(
            dir, "holds records of another run (" + difference(dir, config, kernel_path) + "); choose another --out");
      Record record = record_of(row, tasks_);
      if (const auto earlier = records_.find(record); earlier != records_.end()) {
        if (earlier->first.grade.state != kNotRun)
          throw Error(row.where(), "expected each answer once, found it again");
        records_.erase(earlier);  // this line has the later grade of the same answer
      }
      insert(std::move(record), bytes);
    });
    file_.truncate(end_);
  }

  bool contains(const std::string& model, const std::string& task, const CellName& cell, std::size_t index,
                std::size_t attempt = 0) const {
    Record record{{}, model, task, cell.press, cell.ratio, index};
    record.budget = cell.budget;
    record.query_aware = cell.query_aware;
    record.attempt = attempt;
    return records_.contains(record);
  }

  /// Adds a record. Throws Error if it cannot be written; the file is then unchanged.
  void add(const Record& record) {
    const std::string line = to_json(record, tasks_) + "\n";
    // Parsed again, so that a run that is resumed from the file sees the same record.
    Record stored = record_of(JsonlRow(line, file_.path() + ": record"), tasks_);
    if (records_.contains(stored)) throw Error(file_.path(), "expected each answer once, found it again");
    try {
      file_.write(line);
    } catch (const Error&) {
      file_.truncate(end_);
      throw;
    }
    insert(std::move(stored), line.size());
  }

  /// Writes a record again after its answer was graded later. Throws Error as add() does.
  void replace(const Record& record) {
    records_.erase(record);
    add(record);
  }

  /// The records for which wanted() is true, in order, with their answers and samples.
  template <class F>
  std::vector<Record> whole_records(F&& wanted) {
    std::vector<Record> found;
    for (const auto& [record, line] : records_)
      if (wanted(record)) {
        const std::string text = file_.read(line.offset, line.size);
        found.push_back(record_of(JsonlRow(std::string_view(text).substr(0, text.size() - 1), file_.path()), tasks_));
      }
    return found;
  }

  /// All records in order, without answers and samples. Only the sample's task and the name of its context are kept in
  /// memory.
  std::vector<Record> records() const {
    std::vector<Record> all;
    for (const auto& [record, line] : records_) all.push_back(record);
    return all;
  }

  /// Sorts the lines of the file. The sorted file replaces the old one in a single step.
  void finish() {
    OutputFile ordered = OutputFile::replacing(file_.path());
    (void)ordered.lock();
    for (const auto& [record, line] : records_) ordered.write(file_.read(line.offset, line.size));
    ordered.publish();
    file_ = std::move(ordered);
    end_ = 0;
    for (auto& [record, line] : records_) line.offset = std::exchange(end_, end_ + static_cast<off_t>(line.size));
  }

 private:
  struct Line {
    off_t offset;
    std::size_t size;
  };

  static OutputFile open_locked(const std::string& dir) {
    std::error_code code;
    std::filesystem::create_directories(dir, code);
    if (code) throw Error(dir, "cannot create the directory: " + code.message());
    if (!std::filesystem::exists(dir + "/records.jsonl"))
      for (const std::string_view name : {kConfigFile, kResultsJson, kResultsCsv, kRunFile})
        if (std::filesystem::exists(std::string(dir).append("/").append(name)))
          throw Error(dir, "has " + std::string(name) +
                               " but no records.jsonl, so it is not an output directory of kvx; choose another --out");
    for (;;) {
      OutputFile file(dir + "/records.jsonl");
      if (!file.lock())
        throw Error(dir, "another run is using this directory; wait for its end or choose another --out");
      if (file.is_at_its_path()) return file;  // otherwise a run has just finished and replaced it
    }
  }

  /// How the settings on which keys depend differ from those of the run in `dir`. If that used another kernel path, its
  /// model may still be the same one in another place.
  std::string difference(const std::string& dir, const std::string& config, const std::string& kernel_path) const {
    std::ifstream recorded(dir + "/" + std::string(kConfigFile));
    std::istringstream current(config);
    const std::string times = dir + "/" + std::string(kRunFile);
    std::string path_before = kernel_path;
    if (std::filesystem::exists(times)) {
      const JsonDocument document = JsonDocument::load(times);
      if (const auto found = document.root().find("kernel_path")) path_before = found->string();
    }
    std::set<std::string> before = lines_of(recorded), now = lines_of(current);
    for (auto* lines : {&before, &now})
      std::erase_if(*lines, [&](const std::string& line) {
        const std::string_view option = std::string_view(line).substr(0, line.find(':'));
        return is_free(option) || (option == "model" && path_before != kernel_path);
      });
    if (path_before != kernel_path) {
      before.insert("kernel path: " + path_before);
      now.insert("kernel path: " + kernel_path);
    }
    const auto without = [](const std::set<std::string>& lines, const std::set<std::string>& others) {
      std::string text;
      for (const std::string& line : lines)
        if (!others.contains(line)) text.append(text.empty() ? "" : ", ").append(detail::shortened(line, 80));
      return text.empty() ? "nothing" : text;
    };
    if (before.empty() || before == now) return "of another model, data, version, dtype or kernel path";
    return "with " + without(before, now) + ", now with " + without(now, before);
  }

  /// Whether no key of the run depends on an option of kConfigFile.
  bool is_free(std::string_view option) const {
    constexpr std::array<std::string_view, 14> kFree = {
        "press",    "ratio",     "keep",   "kv-bytes",  "query-aware",         "contexts", "limit", "generate",
        "attempts", "log-level", "memory", "max-batch", "analyze-kept-tokens", "draft"};
    const auto is_timed = [](const AnyTask& task) { return task.kind() == TaskKind::is_timed; };
    return std::ranges::find(kFree, option) != kFree.end() ||
           (option == "threads" && std::ranges::none_of(tasks_.tasks(), is_timed));
  }

  static std::set<std::string> lines_of(std::istream& in) {
    std::set<std::string> lines;
    for (std::string line; std::getline(in, line);) lines.insert(line);
    return lines;
  }

  void insert(Record record, std::size_t size) {
    record.grade.cluster = context_of(record);
    const std::string answer = std::exchange(record.predicted_answer, {});  // moved out, so that their memory is freed
    const Sample sample = std::exchange(record.sample, {});
    record.reading = {};
    record.sample.task = sample.task;
    records_.emplace(std::move(record), Line{end_, size});
    end_ += static_cast<off_t>(size);
  }

  TaskRegistry tasks_;
  RunKeys keys_;
  std::map<Record, Line, RecordOrder> records_;
  OutputFile file_;
  off_t end_ = 0;
};

}  // namespace kvx::inline v0
