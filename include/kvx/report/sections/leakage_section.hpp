#pragma once

#include <kvx/report/charts/group_chart.hpp>
#include <kvx/report/charts/picture.hpp>
#include <kvx/report/load/group_choice.hpp>
#include <kvx/report/load/press_families.hpp>
#include <kvx/report/load/report_data.hpp>
#include <kvx/report/load/sample_counts.hpp>
#include <kvx/report/sections/group_table.hpp>
#include <kvx/report/sections/report.hpp>
#include <kvx/score/metric.hpp>

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace kvx::inline v0 {

/// How much of the prompt the answers repeat, by defense and by kind of attack.
inline ReportSection leakage_section(const ReportData& data) {
  struct Kind {
    std::string_view begin, words, file;
  };
  constexpr std::array<Kind, 2> kKinds = {{{"defense/", "by defense", "defenses_"},  //
                                           {"attack/", "by kind of attack", "attacks_"}}};
  ReportSection section{"leakage", "Leakage"};
  const std::vector<PressFamily> families = press_families(data.methods());
  for (const std::string& model : data.models())
    for (const auto& [task, metric] : part_metrics(data, model, Role::leak)) {
      const std::string words(metric->words.empty() ? metric->name : metric->words);
      const std::string name = data.short_name(model);
      for (const Kind& kind : kKinds) {
        const GroupChoice groups =
            choose_groups(data, model, task, std::string(metric->name),
                          [&](const std::string& group) { return group.starts_with(kind.begin); });
        if (groups.groups.empty()) continue;
        const std::string title = name + ": " + task + " " + std::string(kind.words);
        for (const PressFamily& family : families)
          detail::draw(section,
                       group_chart(data, groups, family,
                                   {picture_path(task, name, std::string(kind.file) + family.front().label()),
                                    title + ", " + family.front().label(),
                                    words + ": how much of the prompt the answers repeat, with 95 % intervals; lower "
                                            "is better. Horizontal dotted lines: the uncompressed base."},
                                   "leakage (" + words + ")"),
                       sample_counts(data, model, task));
        section.tables.push_back(group_table(data, groups, title + ", " + words));
      }
    }
  return section;
}

}  // namespace kvx::inline v0
