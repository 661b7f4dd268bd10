#pragma once

#include <kvx/core/error.hpp>
#include <kvx/io/json_schema.hpp>
#include <kvx/io/json_tree.hpp>
#include <kvx/io/json_tree_parse.hpp>
#include <kvx/score/extract_json.hpp>
#include <kvx/score/sample.hpp>
#include <kvx/score/task.hpp>
#include <kvx/score/wilson.hpp>

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kvx::inline v0 {

/// Does the model still call the right tool, with the right arguments? A sample's answer is JSON: the name of the tool,
/// the arguments, and the JSON Schema of the arguments. A request that no tool serves has the name null; declining it
/// is its right answer, and the metrics leave it out. Verdicts as kv-exec-bench's tool_call gives them (Chittori,
/// 2026).
struct ToolCallTask {
  static constexpr std::string_view name = "tool_call";

  /// From lenient to strict; the first is the foil that looks at no structure.
  static std::span<const std::string_view> metric_names() {
    static constexpr std::array<std::string_view, 5> kNames = {"name_substring", "json_valid", "name_match",
                                                               "schema_valid", "args_exact"};
    return kNames;
  }

  Grade grade(const Sample& sample, std::string_view answer) const {
    const auto gold = parse_json(sample.answer);
    const JsonTree& tool = gold_member(gold, "name");
    const auto call = extract_json(answer);
    const JsonTree* called = call ? call->find("name") : nullptr;
    const bool declines = called != nullptr && called->is_null();
    if (tool.is_null())
      return {!call      ? "unparsed"
              : declines ? "declined"
                         : "called_anyway",
              std::vector<std::optional<double>>(metric_names().size())};
    if (tool.string() == nullptr)
      throw Error("sample's answer", "name: expected a string or null, found " + std::string(tool.type()));
    const JsonTree& gold_arguments = gold_member(gold, "arguments");
    const JsonSchema schema(gold_member(gold, "schema"), "sample's answer: schema of " + *tool.string());

    Grade grade;
    const bool named = answer.find(*tool.string()) != answer.npos;
    const bool name_match = called != nullptr && *called == tool;
    const JsonTree* given = call ? call->find("arguments") : nullptr;
    const JsonTree arguments = given != nullptr ? *given : JsonTree();
    bool valid = false;
    try {
      valid = call && schema.accepts(arguments);
    } catch (const Error& error) {  // an answer that takes too long to validate is not valid
      grade.detail = error.what();
    }
    const bool exact = call && python_equal(arguments, gold_arguments);
    grade.metrics = {double(named), double(call.has_value()), double(name_match), double(valid), double(exact)};
    grade.state = !call         ? "unparsed"
                  : declines    ? "declined_wrongly"
                  : !name_match ? "wrong_name"
                  : !valid      ? "schema_invalid"
                  : !exact      ? "wrong_arguments"
                                : "exact";
    return grade;
  }

  /// How many of the declined requests no tool serves, and how many that no tool serves were declined.
  std::vector<Share> summaries(std::span<const Grade> grades) const {
    std::size_t right = 0, wrong = 0, unserved = 0;
    for (const Grade& grade : grades) {
      right += grade.state == "declined";
      wrong += grade.state == "declined_wrongly";
      unserved += !grade.metrics.front().has_value();
    }
    return {wilson("decline_precision", static_cast<double>(right), right + wrong),
            wilson("decline_recall", static_cast<double>(right), unserved)};
  }

 private:
  static const JsonTree& gold_member(const std::optional<JsonTree>& gold, std::string_view member) {
    if (!gold || gold->object() == nullptr)
      throw Error("sample's answer", "expected a JSON object, found " + (gold ? std::string(gold->type()) : "no JSON"));
    if (const JsonTree* found = gold->find(member)) return *found;
    throw Error("sample's answer", "missing field " + std::string(member));
  }
};
static_assert(GradesAnswers<ToolCallTask> && SummarizesGrades<ToolCallTask>);

}  // namespace kvx::inline v0
