#pragma once

#include <kvx/core/error.hpp>
#include <kvx/io/json/json_tree.hpp>
#include <kvx/io/json/json_tree_text.hpp>
#include <kvx/io/json/json_writer.hpp>
#include <kvx/io/json_schema/json_schema.hpp>
#include <kvx/score/judged_text.hpp>
#include <kvx/score/metric.hpp>
#include <kvx/score/row_form.hpp>
#include <kvx/score/sample.hpp>
#include <kvx/score/statistics/context_values.hpp>
#include <kvx/score/statistics/estimate_mean.hpp>
#include <kvx/score/task.hpp>
#include <kvx/score/tool_call/answer_calls.hpp>
#include <kvx/score/tool_call/bfcl_ast.hpp>
#include <kvx/score/tool_call/bfcl_samples.hpp>
#include <kvx/score/tool_call/exact_calls.hpp>
#include <kvx/score/tool_call/reference_call.hpp>
#include <kvx/score/tool_call/tool_gold.hpp>
#include <kvx/score/tool_call/toolace_samples.hpp>
#include <kvx/score/tool_call/xlam_samples.hpp>
#include <kvx/text/python/python_json.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// Does the model still call the right tool, with the right arguments? A sample's answer is JSON, in one of two forms:
///
/// `name`, `arguments` and `schema`, the JSON Schema of the arguments: only the first call of an answer is graded,
/// except by call_exact. The other metrics are kv-exec-bench's verdicts (Chittori, 2026) on that call; args_exact
/// compares as Python does, so that 1 equals true. An optional `accepted` holds calls in the form of `possible`;
/// call_exact accepts their values.
///
/// `functions` and `possible`, as gold_calls() reads them: every call of an answer is graded, and args_exact is
/// ast_verdict(), which accepts some answers that the schema does not. schema_valid checks a call against the schema of
/// the function that it names, or of the only function if there is one.
///
/// call_exact is the strictest metric: exactly the right calls, with values that are equal in JSON's types.
///
/// A request that no tool serves has the name null. The right answer is to decline it, and the metrics leave it out. An
/// answer declines if its first call has the name null, or if it is an empty array.
struct ToolCallTask {
  static constexpr std::string_view name = "tool_call";
  static constexpr std::string_view example_data = "tool_world.jsonl.gz";

  /// From lenient to strict. The first is for comparison and ignores the structure of an answer.
  static std::span<const Metric> metrics() {
    static constexpr std::array<Metric, 6> kMetrics = {{{.name = "name_substring"},
                                                        {.name = "json_valid"},
                                                        {.name = "name_match"},
                                                        {.name = "schema_valid", .role = Role::function},
                                                        {.name = "args_exact"},
                                                        {.name = "call_exact", .role = Role::works}}};
    return kMetrics;
  }
  static std::span<const Metric> summary_metrics() {
    static constexpr std::array<Metric, 2> kMetrics = {{{.name = "decline_precision"}, {.name = "decline_recall"}}};
    return kMetrics;
  }

  /// The states, from right answers to answers that cannot be read.
  static std::span<const State> states() {
    static constexpr std::array<State, 9> kStates = {{{"exact", Verdict::good},
                                                      {"declined", Verdict::good},
                                                      {"wrong_arguments", Verdict::bad},
                                                      {"schema_invalid", Verdict::bad},
                                                      {"empty_arguments", Verdict::bad},
                                                      {"wrong_name", Verdict::bad},
                                                      {"called_anyway", Verdict::bad},
                                                      {"declined_wrongly", Verdict::bad},
                                                      {"unparsed", Verdict::bad}}};
    return kStates;
  }

  static std::span<const RowForm> row_forms() {
    static constexpr std::array<RowForm, 3> kForms = {kBfclForm, kXlamForm, kToolaceForm};
    return kForms;
  }

  /// Grades the answers to one sample, whose right answer is read and whose schemas are compiled once.
  class Grader {
   public:
    explicit Grader(const Sample& sample) : gold_(std::make_unique<const ToolGold>(sample.answer)) {}

    Grade grade(std::string_view answer, const AnswerReading& reading = {}) const {
      const AnswerCalls called =
          answer_calls(answer, reading.tool_forms,
                       [this](std::string_view tool, std::string_view name) { return gold_->is_text(tool, name); });
      Grade grade = !gold_->is_served() ? grade_unserved(called) : verdict(*gold_, called, answer).grade();
      grade.as_read = called.read.text();
      return grade;
    }

   private:
    std::unique_ptr<const ToolGold> gold_;
  };

  Grader prepare(const Sample& sample) const { return Grader(sample); }
  /// Grades one answer.
  Grade grade(const Sample& sample, std::string_view answer, const AnswerReading& reading = {}) const {
    return prepare(sample).grade(answer, reading);
  }

  /// The answer that the context asks for, with the first of several accepted values.
  std::string reference(const Sample& sample) const {
    const ToolGold gold(sample.answer);
    std::string calls;
    if (gold.is_served() && gold.name() == nullptr) {
      calls = reference_calls(gold.calls());
    } else {
      JsonWriter out;
      write_json(gold.is_served() ? JsonTree(*gold.name()) : JsonTree(), out.begin_object().key("name"));
      write_json(gold.is_served() ? gold.arguments() : JsonTree(JsonTree::Object()), out.key("arguments"));
      calls = out.end_object().text();
    }
    return python_json(calls, "sample's answer");
  }

  /// The share of the declined requests that no tool serves, and the share of the unserved requests that were declined.
  std::vector<Estimate> summaries(std::span<const Grade> grades) const {
    ContextValues declined, unserved;
    for (std::size_t i = 0; i < grades.size(); ++i) {
      const bool right = grades[i].state == "declined";
      if (right || grades[i].state == "declined_wrongly") declined.add(context_of(grades[i], i), right);
      if (!grades[i].metrics.front().has_value()) unserved.add(context_of(grades[i], i), right);
    }
    return {estimate_mean("decline_precision", declined.contexts(), true),
            estimate_mean("decline_recall", unserved.contexts(), true)};
  }

 private:
  /// The results of checking an answer.
  struct Checks {
    bool named = false, parsed = false, declined = false, name_match = false, empty = false, valid = false,
         args_exact = false, call_exact = false;
    bool accepted = false;  ///< whether the call has accepted values, whatever the schema says
    std::string detail = {};

    bool accepts(const JsonSchema& schema, const JsonTree& arguments) {
      try {
        return schema.accepts(arguments);
      } catch (const Error& error) {  // an answer that takes too long to validate is not valid
        detail = error.what();
        return false;
      }
    }

    Grade grade() const {
      return {
          !parsed       ? "unparsed"
          : declined    ? "declined_wrongly"
          : !name_match ? "wrong_name"
          : accepted    ? "exact"
          : empty       ? "empty_arguments"
          : !valid      ? "schema_invalid"
          : args_exact  ? "exact"
                        : "wrong_arguments",
          {double(named), double(parsed), double(name_match), double(valid), double(args_exact), double(call_exact)},
          detail};
    }
  };

  static Grade grade_unserved(const AnswerCalls& called) {
    return {called.unparsed()  ? "unparsed"
            : called.decline() ? "declined"
                               : "called_anyway",
            std::vector<std::optional<double>>(metrics().size())};
  }

  static Checks verdict(const ToolGold& gold, const AnswerCalls& called, std::string_view answer) {
    const bool has_name = gold.name() != nullptr;
    Checks checks = has_name ? verdict_on_first(gold, called) : verdict_on_all(gold, called);
    const auto is_named = [&](const std::string& name) { return answer.find(name) != answer.npos; };
    checks.named = has_name ? is_named(*gold.name())
                            : std::all_of(gold.calls().begin(), gold.calls().end(),
                                          [&](const GoldCall& call) { return is_named(*call.name); });
    return checks;
  }

  static Checks verdict_on_first(const ToolGold& gold, const AnswerCalls& called) {
    Checks checks;
    if (called.whole.empty()) return checks;
    const JsonTree& call = called.whole.front();
    checks.parsed = true;
    checks.declined = called.decline();
    const JsonTree* name = call.find("name");
    checks.name_match = name != nullptr && name->string() != nullptr && *name->string() == *gold.name();
    const JsonSchema& schema = *gold.schema_of(*gold.name());
    const JsonTree arguments = arguments_of(call);
    checks.valid = checks.accepts(schema, arguments);
    checks.empty = has_no_arguments(call) && !checks.accepts(schema, JsonTree(JsonTree::Object()));
    checks.args_exact = python_equal(arguments, gold.arguments());
    const bool is_only_call = called.whole.size() == 1 && !called.broken;
    checks.call_exact = is_only_call && (gold.calls().empty() ? checks.name_match && arguments == gold.arguments()
                                                              : are_exact_calls(gold.calls(), called.whole));
    checks.accepted = checks.call_exact && !gold.calls().empty();
    return checks;
  }

  static Checks verdict_on_all(const ToolGold& gold, const AnswerCalls& called) {
    Checks checks;
    if (called.unparsed()) return checks;
    checks.parsed = true;
    checks.declined = called.decline();
    checks.valid = !called.whole.empty();
    std::vector<std::string_view> wanted, found;
    for (const GoldCall& call : gold.calls()) wanted.push_back(*call.name);
    for (const JsonTree& call : called.whole) {
      found.push_back(name_of(call));
      const JsonSchema* schema = gold.schema_of(found.back());
      checks.valid = schema != nullptr && checks.accepts(*schema, arguments_of(call)) && checks.valid;
      checks.empty = checks.empty || (schema != nullptr && has_no_arguments(call) &&
                                      !checks.accepts(*schema, JsonTree(JsonTree::Object())));
    }
    std::sort(wanted.begin(), wanted.end());
    std::sort(found.begin(), found.end());
    checks.name_match = wanted == found;
    const AstVerdict ast = ast_verdict(gold.functions(), gold.possible(), called.whole);
    checks.args_exact = ast.valid && !called.broken;
    checks.call_exact = !called.broken && are_exact_calls(gold.calls(), called.whole);
    checks.accepted = checks.args_exact || checks.call_exact;
    if (checks.detail.empty()) checks.detail = ast.error_type;
    return checks;
  }

  static std::string_view name_of(const JsonTree& call) {
    const JsonTree* name = call.find("name");
    return name != nullptr && name->string() != nullptr ? std::string_view(*name->string()) : std::string_view();
  }

  /// The arguments of a call; null if there are none.
  static JsonTree arguments_of(const JsonTree& call) {
    const JsonTree* arguments = call.find("arguments");
    return arguments == nullptr ? JsonTree() : *arguments;
  }

  /// Whether `arguments` is missing, null or empty, and no other member is an object that could hold them.
  static bool has_no_arguments(const JsonTree& call) {
    const JsonTree arguments = arguments_of(call);
    if (!arguments.is_null() && (arguments.object() == nullptr || !arguments.object()->empty())) return false;
    return call.object() == nullptr ||
           std::none_of(call.object()->begin(), call.object()->end(), [](const JsonMember& member) {
             return member.name != "arguments" && member.value.object() != nullptr && !member.value.object()->empty();
           });
  }
};
static_assert(GradesAnswers<ToolCallTask> && PreparesSamples<ToolCallTask> && HasRowForms<ToolCallTask> &&
              SummarizesGrades<ToolCallTask> && ReadsAnswers<ToolCallTask>);

}  // namespace kvx::inline v0
