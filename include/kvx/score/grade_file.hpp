#pragma once

#include <kvx/io/json_writer.hpp>
#include <kvx/score/context_name.hpp>
#include <kvx/score/context_note.hpp>
#include <kvx/score/registry.hpp>
#include <kvx/score/sample.hpp>
#include <kvx/score/scorer.hpp>
#include <kvx/score/share.hpp>
#include <kvx/score/task.hpp>

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

namespace detail {

inline void write_shares(std::string_view key, std::span<const Share> shares, JsonWriter& out) {
  out.key(key).begin_object();
  for (const Share& share : shares) {
    out.key(share.name).begin_object();
    out.key("value").value(share.value).key("n").value(share.n).key("contexts").value(share.contexts);
    out.key("low").value(share.low).key("high").value(share.high).end_object();
  }
  out.end_object();
}

}  // namespace detail

/// Grades the answers of any engine: a JSONL file, plain or gzip, with a sample's six columns and predicted_answer
/// (null is an empty answer); records of another task are passed over. The result is one line of JSON with the score of
/// each value of the column `task`. Throws Error for an unknown task and a bad file or line.
inline std::string grade_file(const TaskRegistry& registry, std::string_view task_name, const std::string& path) {
  const AnyTask& task = registry.at(task_name);
  std::map<std::string, std::vector<Grade>> groups;
  each_jsonl_row(path, [&](const JsonlRow& row) {
    if (row.find("graded_as") != nullptr && row.string("graded_as") != task_name) return;
    const Sample sample = row.sample();
    const std::string answer = row.at("predicted_answer").is_null() ? "" : row.string("predicted_answer");
    Grade grade = grade_at(row.where(), task, sample, answer);
    if (grade.cluster.empty()) grade.cluster = context_name(sample);
    groups[sample.task].push_back(std::move(grade));
  });
  JsonWriter out;
  out.begin_object();
  for (const auto& [name, grades] : groups) {
    const Score score = Scorer(task).score(grades);
    out.key(name).begin_object().key("n").value(score.n).key("contexts").value(score.contexts);
    if (const auto note = context_note(score.contexts); !note.empty()) out.key("note").value(note);
    out.key("states").begin_object();
    for (const auto& [state, count] : score.states) out.key(state).value(count);
    out.end_object();
    detail::write_shares("metrics", score.metrics, out);
    detail::write_shares("summaries", score.summaries, out);
    out.end_object();
  }
  out.end_object();
  return out.text();
}

}  // namespace kvx::inline v0
