#pragma once

#include <kvx/eval/speed/speed.hpp>
#include <kvx/io/number_text.hpp>
#include <kvx/kernels/isa.hpp>

#include <string>
#include <vector>

namespace kvx::inline v0 {

/// A test that ran on several paths: the fastest run, and the run on the path that kvx chooses, or null if that path
/// did not run.
struct PathVerdict {
  const SpeedTest* best = nullptr;
  const SpeedTest* chosen = nullptr;
};

/// A verdict for each test that ran on several paths. The pointers point into the report.
inline std::vector<PathVerdict> path_verdicts(const SpeedReport& report) {
  std::vector<PathVerdict> verdicts;
  for (auto test = report.tests.begin(); test != report.tests.end();) {
    PathVerdict verdict;
    const auto first = test;
    for (; test != report.tests.end() && test->name() == first->name(); ++test) {
      if (verdict.best == nullptr || test->tokens_per_second > verdict.best->tokens_per_second) verdict.best = &*test;
      if (test->path == report.path) verdict.chosen = &*test;
    }
    if (test - first > 1) verdicts.push_back(verdict);
  }
  return verdicts;
}

/// For each test, a line that says whether the path that kvx chooses was the fastest. Empty if only one path ran.
inline std::string verdict_markdown(const SpeedReport& report) {
  std::string text;
  for (const auto& [best, chosen] : path_verdicts(report)) {
    if (text.empty()) text.append("\nkvx takes ").append(name_of(report.path)).append(" on this CPU:\n\n");
    text.append("- ").append(best->name()).append(": ").append(name_of(best->path));
    if (best == chosen) {
      text += " is the fastest";
    } else if (chosen == nullptr) {
      text += " is the fastest of those tried";
    } else {
      const double gain = best->tokens_per_second / chosen->tokens_per_second - 1;
      text.append(" is ").append(decimals(100 * gain, 1)).append(" % faster");
      if (best->tokens_per_second - chosen->tokens_per_second < best->deviation + chosen->deviation)
        text += ", within the deviations";
    }
    text += "\n";
  }
  return text;
}

}  // namespace kvx::inline v0
