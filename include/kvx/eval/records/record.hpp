#pragma once

#include <kvx/core/error.hpp>
#include <kvx/eval/records/cell_name.hpp>
#include <kvx/eval/records/record_reading.hpp>
#include <kvx/io/json/json.hpp>
#include <kvx/io/json/json_number.hpp>
#include <kvx/io/json/json_tree.hpp>
#include <kvx/io/json/json_writer.hpp>
#include <kvx/score/context_name.hpp>
#include <kvx/score/grade.hpp>
#include <kvx/score/metric.hpp>
#include <kvx/score/sample.hpp>
#include <kvx/score/task.hpp>
#include <kvx/score/task_registry.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <vector>

namespace kvx::inline v0 {

/// The state of a sample that a press cannot serve; the record's detail says why.
inline constexpr std::string_view kNotApplicable = "not_applicable";

/// The label of a table: `data`, the samples' column `task`, if it is the task's name or begins with the name and `_`;
/// otherwise TASK/DATA.
inline std::string data_label(const std::string& task, const std::string& data) {
  return data == task || data.starts_with(task + "_") ? data : task + "/" + data;
}

/// One answer of a run and its grade.
struct Record {
  std::string key;        ///< 16 hex digits: a hash of what the answer depends on apart from the fields below
  std::string model;      ///< name of the model
  std::string task;       ///< the task that graded it; the sample's column `task` may divide its data further
  std::string press;      ///< written form
  double ratio = 0;       ///< compression ratio: the share of this context's rows that the budget removes
  std::size_t index = 0;  ///< the sample's place in the task's data, from 0
  Sample sample = {};
  std::string predicted_answer = {};
  Grade grade = {};                            ///< by the record's task, or with the state kNotApplicable
  std::size_t kept_bytes = 0, full_bytes = 0;  ///< of the context's cache, compressed and not
  std::string budget = {};                     ///< as in CellName
  bool query_aware = false;                    ///< as in CellName
  std::size_t attempt = 0;                     ///< number of this answer to its sample, from 0
  std::vector<double> entropy = {};  ///< in nats, of the model's distribution before each token; empty: not requested
  std::string ignored_budget = {};   ///< the requested budget, if the press ignores it, such as `keep=256`
  RecordReading reading = {};        ///< how the model's answer was read for grading

  /// The record's cell, with the ratio in this context.
  CellName cell() const { return {press, ratio, budget, query_aware}; }
};

/// The name of the context that an answer is about, or of the cluster that several contexts form. A sample without a
/// named context, such as a piece of a text, is a context of its own.
inline std::string context_of(const Record& record) {
  if (!record.grade.cluster.empty()) return record.grade.cluster;
  const std::string name = context_name(record.sample);
  return name.empty() ? "#" + std::to_string(record.index) : name;
}

/// The value of a metric of `task`, which is the record's; nullopt if the metric does not apply to the answer.
inline std::optional<double> metric_of(const Record& record, const AnyTask& task, std::string_view metric) {
  const auto metrics = task.metrics();
  const auto m = static_cast<std::size_t>(std::ranges::find(metrics, metric, &Metric::name) - metrics.begin());
  return m < record.grade.metrics.size() ? record.grade.metrics[m] : std::nullopt;
}

namespace detail {

/// Throws Error if the record's grade lacks a value that `task` declares, or has a metric that is not finite. The
/// metrics of answers may be without a value, but measurements apply to every sample that the press can serve.
inline void expect_values(const Record& record, const AnyTask& task) {
  const auto fail = [&](const std::string& why) {
    throw Error("record " + std::to_string(record.index) + " of " + record.press, why);
  };
  const auto metrics = task.metrics(), part_metrics = task.part_metrics();
  const auto& values = record.grade.metrics;
  for (std::size_t m = 0; m < metrics.size(); ++m) {
    const std::string name(metrics[m].name);
    if (m >= values.size()) fail("missing metric " + name + " of task " + record.task);
    if (!values[m] && task.kind() != TaskKind::answers && record.grade.state != kNotApplicable)
      fail("metric " + name + " of task " + record.task + ": expected a number, found null");
    if (values[m] && !std::isfinite(*values[m]))
      fail("metric " + name + ": expected a finite number, found " + std::to_string(*values[m]));
  }
  for (const GradePart& part : record.grade.parts)
    if (part.values.size() < part_metrics.size())
      fail("missing value " + std::string(part_metrics[part.values.size()].name) + " of part " + part.group);
}

/// Writes values as members with the names of their metrics, in alphabetical order.
inline void write_values(std::span<const Metric> metrics, const auto& values, JsonWriter& out) {
  std::map<std::string_view, std::optional<double>> named;
  for (std::size_t m = 0; m < metrics.size(); ++m) named[metrics[m].name] = values[m];
  for (const auto& [name, value] : named) {
    out.key(name);
    value ? out.value(*value) : out.null();
  }
}

}  // namespace detail

/// One line of JSON without the newline. `task` is the sample's task, so that grade_file() can read the line, and
/// `graded_as` is the record's task, which `tasks` has. Long texts come last. Throws Error for an unknown task, for a
/// grade without a value that the task declares, and for a metric that is not finite.
inline std::string to_json(const Record& record, const TaskRegistry& tasks) {
  const AnyTask& task = tasks.at(record.task);
  detail::expect_values(record, task);
  const Grade& grade = record.grade;
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
  out.key("state").value(grade.state).key("metrics").begin_object();
  detail::write_values(task.metrics(), grade.metrics, out);
  out.end_object().key("detail").value(grade.detail);
  if (grade.unfinished) out.key("unfinished").value(true);
  if (!grade.as_read.empty()) out.key("as_read").value(grade.as_read);
  write_reading(record.reading, out);
  if (!grade.parts.empty()) {
    out.key("parts").begin_array();
    for (const GradePart& part : grade.parts) {
      out.begin_object().key("group").value(part.group);
      detail::write_values(task.part_metrics(), part.values, out);
      out.end_object();
    }
    out.end_array();
  }
  if (!grade.cluster.empty()) out.key("cluster").value(grade.cluster);
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

/// A record's compression ratio, from 0 to 1.
inline double ratio_of(const JsonlRow& row) {
  const double ratio = finite_number(row.at("ratio"), row, "ratio");
  if (!(ratio >= 0 && ratio <= 1))
    throw Error(row.where(), "column ratio: expected 0 to 1, found " + row.at("ratio").number()->digits());
  return ratio;
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

/// Reads what write_values() wrote. Only an optional Value may be null.
template <class Value>
std::vector<Value> values_of(const JsonTree& object, std::span<const Metric> metrics, const JsonlRow& row,
                             const std::string& column) {
  std::vector<Value> values;
  for (const Metric& metric : metrics) {
    const std::string name = column + "." + std::string(metric.name);
    const JsonTree* value = object.find(metric.name);
    if (value == nullptr) throw Error(row.where(), "missing column " + name);
    const bool is_none = value->is_null() && !std::is_same_v<Value, double>;
    values.push_back(is_none ? Value() : Value(finite_number(*value, row, name)));
  }
  return values;
}

inline GradePart part_of(const JsonTree& value, const AnyTask& task, const JsonlRow& row) {
  const JsonTree* group = value.find("group");
  if (group == nullptr || group->string() == nullptr)
    throw Error(row.where(), "column parts: expected objects with a string group");
  return {*group->string(), values_of<double>(value, task.part_metrics(), row, "parts")};
}

inline const AnyTask& task_of(const JsonlRow& row, const TaskRegistry& tasks) try {
  return tasks.at(row.string("graded_as"));
} catch (const Error& error) {
  throw Error(row.where(), error.what());
}

inline bool boolean(const JsonlRow& row, const std::string& column) {
  const JsonTree& value = row.at(column);
  if (value.boolean() == nullptr)
    throw Error(row.where(), "column " + column + ": expected true or false, found " + std::string(value.type()));
  return *value.boolean();
}

}  // namespace detail

/// Reads a line that to_json() wrote. `tasks` has the task that graded the answer. Throws Error, which names line and
/// column, for anything else, and for an unknown task. Metrics that the task does not have are left out.
inline Record record_of(const JsonlRow& row, const TaskRegistry& tasks) {
  Record record{row.string("key"),
                row.string("model"),
                row.string("graded_as"),
                row.string("press"),
                detail::ratio_of(row),
                detail::whole_number(row, "index"),
                sample_of(row),
                row.string("predicted_answer"),
                {row.string("state"), {}, row.string("detail")},
                detail::whole_number(row, "kept_bytes"),
                detail::whole_number(row, "full_bytes"),
                row.string("budget"),
                detail::boolean(row, "query_aware"),
                detail::whole_number(row, "attempt")};
  const AnyTask& task = detail::task_of(row, tasks);
  const JsonTree& metrics = row.at("metrics");
  if (metrics.object() == nullptr)
    throw Error(row.where(), "column metrics: expected an object, found " + std::string(metrics.type()));
  record.grade.metrics = detail::values_of<std::optional<double>>(metrics, task.metrics(), row, "metrics");
  if (row.find("parts") != nullptr)
    for (const JsonTree& part : detail::array(row, "parts"))
      record.grade.parts.push_back(detail::part_of(part, task, row));
  if (row.find("ignored_budget") != nullptr) record.ignored_budget = row.string("ignored_budget");
  if (row.find("cluster") != nullptr) record.grade.cluster = row.string("cluster");
  if (row.find("as_read") != nullptr) record.grade.as_read = row.string("as_read");
  record.reading = reading_of(row);
  if (row.find("unfinished") != nullptr) record.grade.unfinished = detail::boolean(row, "unfinished");
  if (row.find("entropy") != nullptr)
    for (const JsonTree& nats : detail::array(row, "entropy"))
      record.entropy.push_back(detail::finite_number(nats, row, "entropy"));
  return record;
}

}  // namespace kvx::inline v0
