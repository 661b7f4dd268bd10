#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace kvx::inline v0 {

/// One of the things that an answer is judged by, such as one of several instructions.
struct GradePart {
  std::string group;           ///< parts of one group are counted together
  std::vector<double> values;  ///< in the order of the task's part_metrics()
};

/// The verdict on one answer.
struct Grade {
  std::string state;  ///< one of the task's states(), such as `exact` or `unparsed`
  std::vector<std::optional<double>>
      metrics;              ///< in the order of the task's metrics(); 0 to 1 if models answer; nullopt: does not apply
  std::string detail = {};  ///< why, for a reader; may be empty
  std::vector<GradePart> parts = {};  ///< of a task that GradesParts
  std::string cluster = {};  ///< the name of the context, or of the part that several share; empty: a separate context
  std::string as_read = {};  ///< other engines' forms that were accepted as calls, ToolForms::text(); may be empty
  bool unfinished = false;   ///< whether the answer is a thought that does not end
};

/// The name of the context that an answer is about. If the grade does not name one, the name is made from `index`,
/// which must differ for each answer.
inline std::string context_of(const Grade& grade, std::size_t index) {
  return grade.cluster.empty() ? "#" + std::to_string(index) : grade.cluster;
}

}  // namespace kvx::inline v0
