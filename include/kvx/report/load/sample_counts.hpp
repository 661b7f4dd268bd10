#pragma once

#include <kvx/eval/tables/result_row.hpp>
#include <kvx/report/load/report_data.hpp>
#include <kvx/score/context_note.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>

namespace kvx::inline v0 {

/// The numbers of samples and contexts of a task's cells; if cells differ, the largest. 0: unknown.
struct SampleCounts {
  std::size_t n = 0, contexts = 0;
  std::size_t fewest_contexts = 0;  ///< of any cell with answers

  void include(std::size_t more_n, std::size_t more_contexts) {
    n = std::max(n, more_n);
    contexts = std::max(contexts, more_contexts);
    fewest_contexts = kvx::fewest_contexts(fewest_contexts, more_contexts);
  }
};

inline SampleCounts sample_counts(const ReportData& data, const std::string& model, const std::string& task) {
  SampleCounts counts, others;
  for (const ResultRow& f : data.figures) {
    if (f.model != model || f.task != task) continue;
    // memory_retained counts samples; n of other figures may count parts of them
    (f.figure.name == "memory_retained" ? counts : others).include(f.figure.n, f.figure.contexts);
  }
  return counts.n > 0 ? counts : others;
}

namespace detail {

/// The counts as text: `48 samples, 12 contexts`.
inline std::string counts_text(const SampleCounts& counts) {
  return std::to_string(counts.n) + (counts.n == 1 ? " sample, " : " samples, ") + std::to_string(counts.contexts) +
         (counts.contexts == 1 ? " context" : " contexts");
}

/// A note about the counts; empty if they are unknown or there are enough contexts.
inline std::string counts_note(const SampleCounts& counts) {
  return counts.contexts == 0 ? "" : context_note(counts.fewest_contexts);
}

}  // namespace detail

}  // namespace kvx::inline v0
