#pragma once

#include <kvx/eval/speed/speed.hpp>
#include <kvx/io/markdown.hpp>
#include <kvx/io/number_text.hpp>
#include <kvx/kernels/isa.hpp>

#include <algorithm>
#include <string>
#include <vector>

namespace kvx::inline v0 {

/// A table of what a shared prefix costs a batch, as in "Hydragen" (arXiv:2402.05099): its speed at each depth, next to
/// the speed at the first depth scaled by the arithmetic of a token. Empty if no batch was timed at several depths.
inline std::string shared_prefix_markdown(const SpeedReport& report) {
  std::vector<std::vector<std::string>> rows = {{"batch", "path", "shared rows", "GFLOP per token",
                                                 "of which attention", "t/s", "t/s by arithmetic", "cost beyond it"}};
  for (const SpeedTest& test : report.tests) {
    const auto first = std::find_if(report.tests.begin(), report.tests.end(), [&](const SpeedTest& other) {
      return other.prompt == 0 && other.steps == test.steps && other.batch == test.batch && other.path == test.path;
    });
    const bool has_one_depth = std::none_of(report.tests.begin(), report.tests.end(), [&](const SpeedTest& other) {
      return other.steps == test.steps && other.batch == test.batch && other.depth != test.depth;
    });
    if (test.prompt > 0 || test.batch == 1 || has_one_depth) continue;
    const double expected = first->tokens_per_second * first->all_flops_per_token() / test.all_flops_per_token();
    rows.push_back({std::to_string(test.batch), std::string(name_of(test.path)), std::to_string(test.depth),
                    decimals(test.all_flops_per_token() * 1e-9, 3), decimals(test.attention_flops_per_token * 1e-9, 3),
                    decimals(test.tokens_per_second, 1), decimals(expected, 1),
                    decimals(100 * (1 - test.tokens_per_second / expected), 1) + " %"});
  }
  return rows.size() == 1 ? "" : "\n" + markdown_table(rows);
}

}  // namespace kvx::inline v0
