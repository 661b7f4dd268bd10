#pragma once

#include <kvx/core/error.hpp>
#include <kvx/eval/records/output_file.hpp>
#include <kvx/eval/records/record.hpp>
#include <kvx/eval/records/record_order.hpp>
#include <kvx/io/json/json.hpp>
#include <kvx/score/sample.hpp>
#include <kvx/score/task.hpp>

#include <sys/types.h>

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

/// Where the driver writes the settings of a run, one a line.
inline constexpr std::string_view kConfigFile = "config.yaml";
/// What else it writes beside the records.
inline constexpr std::string_view kResultsJson = "results.json", kResultsCsv = "results.csv", kRunFile = "run.json";

/// The key of a run's records, by model and task.
using RunKeys = std::map<std::pair<std::string, std::string>, std::string>;

/// The records of a run, in DIR/records.jsonl: one line each, appended as answers come, so that a run that was stopped
/// goes on. One store at a time has a directory.
class RecordStore {
 public:
  /// Makes `dir`, or takes up the records that are there; a last record that was not written to its end is dropped.
  /// `config` is the text that the run's kConfigFile has or will have, to say how another run differs. Throws Error
  /// when a line is damaged, when a record's key is not what `keys` has for it, when another run has the directory, and
  /// when it holds files of a run's names that are none of a run.
  RecordStore(const std::string& dir, RunKeys keys, RecordOrder order, const std::string& config = {})
      : keys_(std::move(keys)), records_(std::move(order)), file_(open_locked(dir)) {
    std::ifstream lines(file_.path(), std::ios::binary);
    std::size_t number = 0;
    for (std::string line; std::getline(lines, line);) {
      const std::string where = file_.path() + ": line " + std::to_string(++number);
      if (lines.eof()) {
        constexpr std::string_view kStart = "{\"key\":\"";
        if (!line.starts_with(kStart) && !kStart.starts_with(line))
          throw Error(where, "expected a record, found " + detail::shortened(line, 60));
        break;
      }
      const JsonlRow row(line, where);
      Record record = record_of(row);
      if (const auto key = keys_.find({record.model, record.task}); key == keys_.end() || key->second != record.key)
        throw Error(dir, "holds records of another run (" + difference(dir, config) + "); choose another --out");
      if (const auto there = records_.find(record); there != records_.end()) {
        if (there->first.state != kNotRun) throw Error(row.where(), "expected each answer once, found it again");
        records_.erase(there);  // it was graded later
      }
      insert(std::move(record), line.size() + 1);
    }
    if (lines.bad()) throw Error(file_.path(), "cannot read");
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

  /// Throws Error when the record cannot be written, and then leaves the file as it was.
  void add(const Record& record) {
    const std::string line = to_json(record) + "\n";
    // Read back, so that a run that goes on from the file sees the same.
    Record stored = record_of(JsonlRow(line, file_.path() + ": record"));
    if (records_.contains(stored)) throw Error(file_.path(), "expected each answer once, found it again");
    try {
      file_.write(line);
    } catch (const Error&) {
      file_.truncate(end_);
      throw;
    }
    insert(std::move(stored), line.size());
  }

  /// Writes a record again after its answer has been graded later. Throws Error as add() does.
  void replace(const Record& record) {
    records_.erase(record);
    add(record);
  }

  /// The records for which `wanted` is true, in their order, with answers and samples.
  template <class F>
  std::vector<Record> whole_records(F&& wanted) {
    std::vector<Record> found;
    for (const auto& [record, line] : records_)
      if (wanted(record)) {
        const std::string text = file_.read(line.offset, line.size);
        found.push_back(record_of(JsonlRow(std::string_view(text).substr(0, text.size() - 1), file_.path())));
      }
    return found;
  }

  /// All records in their order. Answers and samples stay in the file, except the sample's task and its context's name.
  std::vector<Record> records() const {
    std::vector<Record> all;
    for (const auto& [record, line] : records_) all.push_back(record);
    return all;
  }

  /// Puts the file's lines into their order, all at once.
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
          throw Error(dir,
                      "holds " + std::string(name) + " and no records.jsonl, so no run of kvx; choose another --out");
    for (;;) {
      OutputFile file(dir + "/records.jsonl");
      if (!file.lock()) throw Error(dir, "another run is writing there; wait for its end or choose another --out");
      if (file.is_at_its_path()) return file;  // else a run has just finished and put its file there
    }
  }

  static std::string difference(const std::string& dir, const std::string& config) {
    std::ifstream there(dir + "/" + std::string(kConfigFile));
    std::istringstream here(config);
    const std::set<std::string> before = lines_of(there), now = lines_of(here);
    const auto without = [](const std::set<std::string>& lines, const std::set<std::string>& others) {
      std::string text;
      for (const std::string& line : lines)
        if (!others.contains(line)) text.append(text.empty() ? "" : ", ").append(detail::shortened(line, 80));
      return text.empty() ? "nothing" : text;
    };
    if (before.empty() || before == now) return "of another model, data, version, dtype or kernel path";
    return "with " + without(before, now) + ", now with " + without(now, before);
  }

  static std::set<std::string> lines_of(std::istream& in) {
    std::set<std::string> lines;
    for (std::string line; std::getline(in, line);) lines.insert(line);
    return lines;
  }

  void insert(Record record, std::size_t size) {
    record.cluster = context_of(record);
    const std::string answer = std::exchange(record.predicted_answer, {});  // their memory goes with them
    const Sample sample = std::exchange(record.sample, {});
    record.reading = {};
    record.sample.task = sample.task;
    records_.emplace(std::move(record), Line{end_, size});
    end_ += static_cast<off_t>(size);
  }

  RunKeys keys_;
  std::map<Record, Line, RecordOrder> records_;
  OutputFile file_;
  off_t end_ = 0;
};

}  // namespace kvx::inline v0
