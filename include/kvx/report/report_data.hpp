#pragma once

#include <kvx/eval/model_name.hpp>
#include <kvx/eval/record.hpp>
#include <kvx/eval/results_text.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// A press at one setting, as results.csv names it: the press with its budget, if any, and the ratio.
struct ReportCell {
  std::string press;  ///< such as `knorm` or `snapkv(window=32) keep=256 query_aware`
  double ratio = 0;

  /// `own`, `keep=256` or `kv_bytes=100000`; empty where the ratio says how much stays.
  std::string budget() const {
    const std::size_t parameters = press.rfind(')');  // which may have such names
    std::size_t at = press.find(' ', parameters == press.npos ? 0 : parameters);
    while (at != press.npos) {
      const std::size_t next = press.find(' ', at + 1);
      const std::string word = press.substr(at + 1, std::min(next, press.size()) - at - 1);
      if (word == "own" || word.starts_with("keep=") || word.starts_with("kv_bytes=")) return word;
      at = next;
    }
    return {};
  }
  /// The press without its budget: what one line of a chart is about.
  std::string method() const {
    const std::string removed = budget();
    return removed.empty() ? press : std::string(press).erase(press.rfind(" " + removed), removed.size() + 1);
  }
  /// What tells the cells of a method apart.
  std::string setting() const { return budget().empty() ? detail::six_digits(ratio) : budget(); }
  bool is_base() const { return press == kNoPress; }

  /// The ratio of a budget is a mean over contexts, and differs from task to task.
  bool operator==(const ReportCell& other) const {
    return press == other.press && (ratio == other.ratio || !budget().empty());
  }
};

/// One figure of one cell, as a line of results.csv has it; NaN where that has none.
struct Figure {
  std::string model, task;
  ReportCell cell;
  std::string metric;
  std::size_t n = 0;  ///< 0: not told
  double value = NAN, low = NAN, high = NAN;
  double change = NAN, change_low = NAN, change_high = NAN, holm_p = NAN;  ///< against the base

  bool drops() const { return change < 0 && holm_p <= 0.05; }
};

/// One line of degradation.csv.
struct DegradationRow {
  std::string model, task;
  ReportCell cell;
  std::string metric, verdict;
  double sds = NAN, sds_low = NAN, sds_high = NAN, drop = NAN, drop_low = NAN, drop_high = NAN;
  double rise = NAN, rise_low = NAN, rise_high = NAN, p = NAN;
};

/// How a run was made: names with their values, as its files have them.
struct RunFacts {
  std::string source;
  std::vector<std::pair<std::string, std::string>> facts;
};

/// All that a report is made from. Models, tasks and cells come in the order in which the files have them.
struct ReportData {
  std::vector<Figure> figures;
  std::vector<DegradationRow> degradations;
  std::vector<Record> records;  ///< without their contexts
  std::vector<RunFacts> runs;

  const Figure* find(std::string_view model, std::string_view task, const ReportCell& cell,
                     std::string_view metric) const {
    const auto found = std::find_if(figures.begin(), figures.end(), [&](const Figure& f) {
      return f.metric == metric && f.task == task && f.model == model && f.cell == cell;
    });
    return found == figures.end() ? nullptr : &*found;
  }

  std::vector<std::string> models() const {
    return distinct([](const Figure& f) { return f.model; }, [](const Figure&) { return true; });
  }
  /// The tasks of a model, or those that have the metric.
  std::vector<std::string> tasks(std::string_view model, std::string_view metric = {}) const {
    return distinct([](const Figure& f) { return f.task; },
                    [&](const Figure& f) { return f.model == model && (metric.empty() || f.metric == metric); });
  }
  std::vector<std::string> metrics(std::string_view model, std::string_view task) const {
    return distinct([](const Figure& f) { return f.metric; },
                    [&](const Figure& f) { return f.model == model && f.task == task; });
  }
  std::vector<ReportCell> cells(std::string_view model, std::string_view task) const {
    return distinct([](const Figure& f) { return f.cell; },
                    [&](const Figure& f) { return f.model == model && f.task == task; });
  }
  /// Of all models and tasks, so that a method has one place and one colour in every picture; without the base.
  std::vector<std::string> methods() const {
    return distinct([](const Figure& f) { return f.cell.method(); }, [](const Figure& f) { return !f.cell.is_base(); });
  }

  /// As short_model_name() has it among all models.
  std::string short_name(const std::string& model) const { return short_model_name(model, models()); }

 private:
  template <class Get, class If>
  std::vector<std::invoke_result_t<Get, const Figure&>> distinct(Get get, If holds) const {
    std::vector<std::invoke_result_t<Get, const Figure&>> found;
    for (const Figure& figure : figures) {
      if (!holds(figure)) continue;
      auto value = get(figure);
      if (std::find(found.begin(), found.end(), value) == found.end()) found.push_back(std::move(value));
    }
    return found;
  }
};

/// The task's label without the task perplexity or latency: `story` of `perplexity/story`.
inline std::string data_set(const std::string& task) { return task.substr(task.find('/') + 1); }

}  // namespace kvx::inline v0
