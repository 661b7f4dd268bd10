#pragma once

#include <kvx/core/error.hpp>
#include <kvx/eval/records/cell_name.hpp>
#include <kvx/eval/records/record_reading.hpp>
#include <kvx/io/json/json.hpp>
#include <kvx/io/json/json_number.hpp>
#include <kvx/io/json/json_tree.hpp>
#include <kvx/io/json/json_writer.hpp>
#include <kvx/score/context_name.hpp>
#include <kvx/score/sample.hpp>

#include <charconv>
#include <cmath>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace kvx::inline v0 {

/// The state of a sample that a press cannot serve; the record's detail says why.
inline constexpr std::string_view kNotApplicable = "not_applicable";

/// The label of a table: `data`, the samples' column `task`, if it is the task's name or begins with the name and `_`;
/// otherwise TASK/DATA.
inline std::string data_label(const std::string& task, const std::string& data) {
  return data == task || data.starts_with(task + "_") ? data : task + "/" + data;
}

/// One part of an answer that was judged by itself: a GradePart with the names of its values.
struct RecordPart {
  std::string group;
  std::map<std::string, double> values;
};

/// One answer of a run and its grade.
struct Record {
  std::string key;        ///< 16 hex digits: a hash of what the answer depends on apart from the fields below
  std::string model;      ///< name of the model
  std::string task;       ///< the task that graded it; the sample's column `task` may divide its data further
  std::string press;      ///< written form
  double ratio = 0;       ///< compression ratio: the share of this context's rows that the budget removes
  std::size_t index = 0;  ///< the sample's place in the task's data, from 0
  Sample sample = {};
  std::string predicted_answer = {}, state = {}, detail = {};
  std::map<std::string, std::optional<double>> metrics = {};  ///< none: the metric does not apply
  std::size_t kept_bytes = 0, full_bytes = 0;                 ///< of the context's cache, compressed and not
  std::string budget = {};                                    ///< as in CellName
  bool query_aware = false;                                   ///< as in CellName
  std::size_t attempt = 0;                                    ///< number of this answer to its sample, from 0
  std::vector<RecordPart> parts = {};                         ///< for a task that GradesParts
  std::string cluster = {};                                   ///< as in Grade
  std::string as_read = {};                                   ///< as in Grade
  bool unfinished = false;                                    ///< as in Grade
  std::vector<double> entropy = {};  ///< in nats, of the model's distribution before each token; empty: not requested
  std::string ignored_budget = {};   ///< the requested budget, if the press ignores it, such as `keep=256`
  RecordReading reading = {};        ///< how the model's answer was read for grading

  /// The record's cell, with the ratio in this context.
  CellName cell() const { return {press, ratio, budget, query_aware}; }
};

/// The name of the context that an answer is about, or of the cluster that several contexts form. A sample without a
/// named context, such as a piece of a text, is a context of its own.
inline std::string context_of(const Record& record) {
  if (!record.cluster.empty()) return record.cluster;
  const std::string name = context_name(record.sample);
  return name.empty() ? "#" + std::to_string(record.index) : name;
}

/// One line of JSON without the newline. `task` is the sample's task, so that grade_file() can read the line, and
/// `graded_as` is the record's task. Long texts come last. Throws Error for a metric that is not finite.
inline std::string to_json(const Record& record) {
  JsonWriter out;
  out.begin_object().key("key").value(record.key).key("model").value(record.model);
  out.key("task").value(record.sample.task).key("graded_as").value(record.task);
  out.key("press").value(record.press).key("ratio").value(record.ratio).key("budget").value(record.budget);
  if (!record.ignored_budget.empty()) out.key("ignored_budget").value(record.ignored_budget);
  out.key("query_aware")
      .value(record.query_aware)
      .key("index")
      .value(record.index)
      .key("attempt")
      .value(record.attempt);
  out.key("state").value(record.state).key("metrics").begin_object();
  for (const auto& [name, value] : record.metrics) {
    if (value && !std::isfinite(*value))
      throw Error("record " + std::to_string(record.index) + " of " + record.press,
                  "metric " + name + ": expected a finite number, found " + std::to_string(*value));
    out.key(name);
    value ? out.value(*value) : out.null();
  }
  out.end_object().key("detail").value(record.detail);
  if (record.unfinished) out.key("unfinished").value(true);
  if (!record.as_read.empty()) out.key("as_read").value(record.as_read);
  write_reading(record.reading, out);
  if (!record.parts.empty()) {
    out.key("parts").begin_array();
    for (const RecordPart& part : record.parts) {
      out.begin_object().key("group").value(part.group);
      for (const auto& [name, value] : part.values) out.key(name).value(value);
      out.end_object();
    }
    out.end_array();
  }
  if (!record.cluster.empty()) out.key("cluster").value(record.cluster);
  if (!record.entropy.empty()) {
    out.key("entropy").begin_array();
    for (const double nats : record.entropy) out.value(nats);
    out.end_array();
  }
  out.key("kept_bytes").value(record.kept_bytes).key("full_bytes").value(record.full_bytes);
  out.key("max_new_tokens").value(record.sample.max_new_tokens);
  out.key("predicted_answer").value(record.predicted_answer).key("answer").value(record.sample.answer);
  out.key("answer_prefix").value(record.sample.answer_prefix).key("question").value(record.sample.question);
  if (!record.sample.system.empty()) out.key("system").value(record.sample.system);
  out.key("context").value(record.sample.context).end_object();
  return out.text();
}

namespace detail {

inline double finite_number(const JsonTree& value, const JsonlRow& row, const std::string& column) {
  const double number = value.number() != nullptr ? value.number()->value() : NAN;
  if (!std::isfinite(number))
    throw Error(row.where(),
                "column " + column + ": expected a number, found " +
                    (value.number() != nullptr ? shortened(value.number()->digits(), 40) : std::string(value.type())));
  return number;
}

inline std::size_t whole_number(const JsonlRow& row, const std::string& column) {
  const JsonTree& value = row.at(column);
  const std::string found = value.number() != nullptr ? value.number()->digits() : std::string(value.type());
  std::size_t result = 0;
  const auto [end, code] = std::from_chars(found.data(), found.data() + found.size(), result);
  if (code != std::errc() || end != found.data() + found.size())
    throw Error(row.where(), "column " + column + ": expected a whole number, found " + shortened(found, 40));
  return result;
}

inline const std::vector<JsonTree>& array(const JsonlRow& row, const std::string& column) {
  const JsonTree& value = row.at(column);
  if (value.array() == nullptr)
    throw Error(row.where(), "column " + column + ": expected an array, found " + std::string(value.type()));
  return *value.array();
}

inline RecordPart part_of(const JsonTree& value, const JsonlRow& row) {
  const JsonTree* group = value.find("group");
  if (group == nullptr || group->string() == nullptr)
    throw Error(row.where(), "column parts: expected objects with a string group");
  RecordPart part{*group->string(), {}};
  for (const auto& [name, number] : *value.object())
    if (name != "group") part.values[name] = finite_number(number, row, "parts." + name);
  return part;
}

inline bool boolean(const JsonlRow& row, const std::string& column) {
  const JsonTree& value = row.at(column);
  if (value.boolean() == nullptr)
    throw Error(row.where(), "column " + column + ": expected true or false, found " + std::string(value.type()));
  return *value.boolean();
}

}  // namespace detail

/// Reads a line that to_json() wrote. Throws Error, which names line and column, for anything else.
inline Record record_of(const JsonlRow& row) {
  Record record{row.string("key"),
                row.string("model"),
                row.string("graded_as"),
                row.string("press"),
                detail::finite_number(row.at("ratio"), row, "ratio"),
                detail::whole_number(row, "index"),
                sample_of(row),
                row.string("predicted_answer"),
                row.string("state"),
                row.string("detail"),
                {},
                detail::whole_number(row, "kept_bytes"),
                detail::whole_number(row, "full_bytes"),
                row.string("budget"),
                detail::boolean(row, "query_aware"),
                detail::whole_number(row, "attempt")};
  const JsonTree& metrics = row.at("metrics");
  if (metrics.object() == nullptr)
    throw Error(row.where(), "column metrics: expected an object, found " + std::string(metrics.type()));
  for (const auto& [name, value] : *metrics.object())
    record.metrics[name] =
        value.is_null() ? std::nullopt : std::optional(detail::finite_number(value, row, "metrics." + name));
  if (row.find("parts") != nullptr)
    for (const JsonTree& part : detail::array(row, "parts")) record.parts.push_back(detail::part_of(part, row));
  if (row.find("ignored_budget") != nullptr) record.ignored_budget = row.string("ignored_budget");
  if (row.find("cluster") != nullptr) record.cluster = row.string("cluster");
  if (row.find("as_read") != nullptr) record.as_read = row.string("as_read");
  record.reading = reading_of(row);
  if (row.find("unfinished") != nullptr) record.unfinished = detail::boolean(row, "unfinished");
  if (row.find("entropy") != nullptr)
    for (const JsonTree& nats : detail::array(row, "entropy"))
      record.entropy.push_back(detail::finite_number(nats, row, "entropy"));
  return record;
}

}  // namespace kvx::inline v0
