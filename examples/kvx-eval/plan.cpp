// kvx-eval plan: prints how many contexts are needed to detect a drop of a base's share of right answers.
#include <CLI/CLI.hpp>
#include <kvx/core/option_value.hpp>
#include <kvx/eval/records/record.hpp>
#include <kvx/eval/records/record_lines.hpp>
#include <kvx/eval/tables/plan_table.hpp>
#include <kvx/io/json/jsonl.hpp>
#include <kvx/score/tasks.hpp>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "commands.hpp"

namespace kvx_eval {

namespace {

/// How samples are grouped into contexts, for a plan without results.
struct PlanOptions {
  std::optional<double> context_samples, icc;
};

/// The base's share of right answers, above 0 and at most 1. Throws kvx::Error.
double plan_base(const std::string& text) {
  double base = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), base);
  if (code != std::errc() || end != text.data() + text.size() || !(base > 0 && base <= 1))
    throw kvx::Error("plan",
                     "expected a base's share of right answers, above 0 and at most 1, or a results directory; "
                     "found '" +
                         text + "'");
  return base;
}

/// The bases of a results directory. Throws kvx::Error.
std::vector<kvx::PlanBasis> bases_of(const std::string& directory) {
  const kvx::TaskRegistry tasks = kvx::kvx_tasks();
  std::vector<kvx::Record> records;
  kvx::each_record_line(directory + "/records.jsonl",
                        [&](const kvx::JsonlRow& row, std::size_t) { records.push_back(kvx::record_of(row, tasks)); });
  auto bases = kvx::plan_bases(tasks, records);
  if (bases.empty()) throw kvx::Error(directory, "expected answers of the base that pass or fail, found none");
  return bases;
}

std::string plan_text(const std::string& base, const std::vector<std::string>& words, const PlanOptions& given) {
  std::vector<double> drops;
  for (const std::string& word : words) {
    drops.push_back(kvx::number_of("plan: drop", word));
    if (!(drops.back() >= 0.001 && drops.back() <= 1))
      throw kvx::Error("plan: drop", "expected 0.001 to 1, found " + word);
  }
  if (std::filesystem::is_directory(base)) {
    if (given.context_samples || given.icc)
      throw kvx::Error("plan",
                       "expected --context-samples and --icc only with a base's share of right answers, found them "
                       "with " +
                           base + ", whose results decide both");
    const auto bases = bases_of(base);
    if (drops.empty()) drops = {0.2, 0.1, 0.05};
    const double highest = std::ranges::max(bases, {}, &kvx::PlanBasis::base).base;
    if (std::ranges::min(drops) > highest + 1e-9)
      throw kvx::Error(base, "expected a drop of at most the highest base, " + std::to_string(highest) + ", found " +
                                 std::to_string(std::ranges::min(drops)));
    return kvx::plan_markdown(bases, drops);
  }
  const kvx::PlanBasis basis{
      .base = plan_base(base), .context_samples = given.context_samples.value_or(1), .icc = given.icc};
  if (drops.empty())
    for (const double drop : {0.3, 0.2, 0.1, 0.05, 0.02})
      if (drop <= basis.base) drops.push_back(drop);
  if (drops.empty())
    throw kvx::Error("plan", "expected a base of at least 0.02 or a drop after it, found a base of " + base);
  return kvx::plan_markdown(std::vector{basis}, drops);
}

}  // namespace

int plan(const std::vector<std::string>& words) {
  PlanOptions options;
  std::string base;
  std::vector<std::string> drops;
  CLI::App app("Prints how many contexts are needed to detect a drop of a base's share of right answers.",
               "kvx-eval plan");
  app.add_option("base", base, "the share, as in: plan 0.45 0.1; or a results directory of kvx-eval");
  app.add_option("drops", drops, "drops of the share (default 0.3, 0.2, ..., or 0.2, 0.1, 0.05 for a directory)");
  app.add_option("--context-samples", options.context_samples, "samples per context (default 1)");
  app.add_option("--icc", options.icc,
                 "how similar changes are within a context, 0 to 1 (default: unknown, so 1 is assumed)");
  std::string text;
  try {
    app.parse(std::vector(words.rbegin(), words.rend()));
    if (base.empty())
      throw kvx::Error("plan", "expected a base's share of right answers or a results directory, as in: plan 0.45 0.1");
    text = plan_text(base, drops, options);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  } catch (const std::exception& error) {
    return fail(error, 2);
  }
  try {
    print(text);
  } catch (const std::exception& error) {
    return fail(error, 1);
  }
  return 0;
}

}  // namespace kvx_eval
