#pragma once

#include <kvx/eval/records/cell_json.hpp>
#include <kvx/eval/tables/cell_ratios.hpp>
#include <kvx/eval/tables/run_times.hpp>
#include <kvx/io/json/json_writer.hpp>
#include <kvx/kernels/isa.hpp>

#include <cstddef>
#include <ctime>
#include <string>
#include <thread>

namespace kvx::inline v0 {

/// The text of kRunFile: when and on which machine a run finished, and how many seconds its parts took. `ratios` are
/// the ratios of the run's records.
inline std::string run_times_json(const RunTimes& times, const CellRatios& ratios) {
  char date[32];
  const std::time_t now = std::time(nullptr);
  std::strftime(date, sizeof date, "%FT%TZ", std::gmtime(&now));
  JsonWriter out;
  out.begin_object().key("finished").value(date).key("kernel_path").value(name_of(isa()));
  out.key("cores")
      .value(std::size_t{std::thread::hardware_concurrency()})
      .key("load_seconds")
      .value(times.load_seconds);
  out.key("prefill_seconds").value(times.prefill_seconds).key("decode_seconds").value(times.decode_seconds);
  out.key("context_tokens").value(times.context_tokens).key("answer_tokens").value(times.answer_tokens);
  if (times.read_bandwidth > 0) out.key("read_gb_per_second").value(times.read_bandwidth * 1e-9);
  out.key("answers").value(times.answers).key("notes").begin_array();
  for (const std::string& note : times.notes) out.value(note);
  out.end_array().key("cells").begin_array();
  for (const auto& cell : times.cells) {
    out.begin_object().key("model").value(cell.model).key("task").value(cell.group);
    write_cell(ratios.settled(cell.model, data_label(cell.task, cell.group), cell.cell), out, "ratio");
    out.key("graded_as").value(cell.task);
    out.key("answer_tokens").value(cell.answer_tokens).key("seconds").value(cell.seconds).end_object();
  }
  out.end_array().end_object();
  return out.text() + "\n";
}

}  // namespace kvx::inline v0
