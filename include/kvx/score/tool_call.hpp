#pragma once

#include <kvx/core/error.hpp>
#include <kvx/io/json_schema.hpp>
#include <kvx/io/json_tree.hpp>
#include <kvx/io/json_tree_parse.hpp>
#include <kvx/io/json_tree_text.hpp>
#include <kvx/io/json_writer.hpp>
#include <kvx/score/bfcl_ast.hpp>
#include <kvx/score/bfcl_value.hpp>
#include <kvx/score/context_values.hpp>
#include <kvx/score/extract_json.hpp>
#include <kvx/score/gold_calls.hpp>
#include <kvx/score/sample.hpp>
#include <kvx/score/share.hpp>
#include <kvx/score/task.hpp>
#include <kvx/text/python_json.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kvx::inline v0 {

/// Does the model still call the right tool, with the right arguments? A sample's answer is JSON, in one of two forms:
///
/// `name`, `arguments` and `schema`, the JSON Schema of the arguments: the first call counts, and the verdicts are
/// those of kv-exec-bench's tool_call (Chittori, 2026).
///
/// `functions` and `possible`, as gold_calls() reads them: every call counts, and args_exact is ast_verdict(), which
/// accepts some answers that the schema does not. schema_valid holds a call against the right function that
/// it names, or against the one that there is.
///
/// A request that no tool serves has the name null; declining it is its right answer, and the metrics leave it out. To
/// decline is to begin with a call of null, or to call nothing in an empty array.
struct ToolCallTask {
  static constexpr std::string_view name = "tool_call";

  /// From lenient to strict; the first is the foil that looks at no structure.
  static std::span<const std::string_view> metric_names() {
    static constexpr std::array<std::string_view, 5> kNames = {"name_substring", "json_valid", "name_match",
                                                               "schema_valid", "args_exact"};
    return kNames;
  }

  Grade grade(const Sample& sample, std::string_view answer) const {
    const JsonTree gold = answer_object(sample.answer);
    if (gold.find("possible") != nullptr) return grade_calls(gold, answer);
    const JsonTree& tool = gold_member(gold, "name");
    if (tool.is_null()) {
      const auto calls = extract_calls(answer);
      return {!calls             ? "unparsed"
              : declines(*calls) ? "declined"
                                 : "called_anyway",
              std::vector<std::optional<double>>(metric_names().size())};
    }
    if (tool.string() == nullptr)
      throw Error("sample's answer", "name: expected a string or null, found " + std::string(tool.type()));
    const JsonTree& gold_arguments = gold_member(gold, "arguments");
    const JsonSchema schema(gold_member(gold, "schema"), "sample's answer: schema of " + *tool.string());

    Checks checks;
    checks.named = answer.find(*tool.string()) != answer.npos;
    const auto call = extract_json(answer);
    if (!call) return checks.grade();
    checks.parsed = true;
    checks.declined = declines({&*call, 1});
    const JsonTree* called = call->find("name");
    checks.name_match = called != nullptr && *called == tool;
    checks.valid = checks.accepts(schema, arguments_of(*call));
    checks.exact = python_equal(arguments_of(*call), gold_arguments);
    return checks.grade();
  }

  /// The answer that the context asks for; of several accepted values the first.
  std::string reference(const Sample& sample) const {
    const auto gold = parse_json(sample.answer);
    if (!gold) throw Error("sample's answer", "expected a JSON object, found no JSON");
    JsonWriter out;
    const JsonTree* possible = gold->find("possible");
    if (possible == nullptr) {
      write_json(gold_member(*gold, "name"), out.begin_object().key("name"));
      write_json(gold_member(*gold, "arguments"), out.key("arguments"));
      out.end_object();
    } else {
      const auto calls = gold_calls(gold_member(*gold, "functions"), *possible);
      if (calls.size() > 1) out.begin_array();
      for (const GoldCall& call : calls) write_call(call, out);
      if (calls.size() > 1) out.end_array();
    }
    return python_json(out.text(), "sample's answer");
  }

  /// How many of the declined requests no tool serves, and how many that no tool serves were declined.
  std::vector<Share> summaries(std::span<const Grade> grades) const {
    ContextValues declined, unserved;
    for (std::size_t i = 0; i < grades.size(); ++i) {
      const bool right = grades[i].state == "declined";
      if (right || grades[i].state == "declined_wrongly") declined.add(context_of(grades[i], i), right);
      if (!grades[i].metrics.front().has_value()) unserved.add(context_of(grades[i], i), right);
    }
    return {share_of("decline_precision", declined.contexts(), true),
            share_of("decline_recall", unserved.contexts(), true)};
  }

 private:
  /// What was found out about an answer.
  struct Checks {
    bool named = false, parsed = false, declined = false, name_match = false, valid = false, exact = false;
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
      return {!parsed       ? "unparsed"
              : declined    ? "declined_wrongly"
              : !name_match ? "wrong_name"
              : !valid      ? "schema_invalid"
              : !exact      ? "wrong_arguments"
                            : "exact",
              {double(named), double(parsed), double(name_match), double(valid), double(exact)},
              detail};
    }
  };

  static Grade grade_calls(const JsonTree& gold, std::string_view answer) {
    const JsonTree &functions = gold_member(gold, "functions"), &possible = gold_member(gold, "possible");
    std::map<std::string_view, JsonSchema> schemas;
    std::vector<std::string_view> names, called;
    Checks checks;
    checks.named = true;
    for (const GoldCall& wanted : gold_calls(functions, possible)) {
      schemas.try_emplace(*wanted.name, *wanted.schema, "sample's answer: parameters of " + *wanted.name);
      names.push_back(*wanted.name);
      checks.named = checks.named && answer.find(*wanted.name) != answer.npos;
    }
    const auto calls = extract_calls(answer);
    if (!calls) return checks.grade();
    checks.parsed = true;
    checks.declined = declines(*calls);
    checks.valid = !calls->empty();
    for (const JsonTree& call : *calls) {
      const JsonTree* name = call.find("name");
      called.push_back(name != nullptr && name->string() != nullptr ? *name->string() : std::string_view());
      const auto schema = schemas.size() == 1 ? schemas.begin() : schemas.find(called.back());
      checks.valid = checks.valid && schema != schemas.end() && checks.accepts(schema->second, arguments_of(call));
    }
    std::sort(names.begin(), names.end());
    std::sort(called.begin(), called.end());
    checks.name_match = names == called;
    const AstVerdict verdict = ast_verdict(functions, possible, *calls);
    checks.exact = verdict.valid;
    if (checks.detail.empty()) checks.detail = verdict.error_type;
    Grade grade = checks.grade();
    if (verdict.valid) grade.state = "exact";  // even where a variable's name stands for what the schema wants
    return grade;
  }

  static void write_call(const GoldCall& call, JsonWriter& out) {
    write_accepted(*call.accepted, out.begin_object().key("name").value(*call.name).key("arguments"));
    out.end_object();
  }

  /// An object's members each with the first of their accepted values, and an array's elements likewise.
  static void write_accepted(const JsonTree& value, JsonWriter& out) {
    if (value.object() != nullptr) {
      out.begin_object();
      for (const auto& [name, values] : *value.object()) {
        if (values.array() == nullptr) {  // no alternatives: what a parameter of no known type has
          write_json(values, out.key(name));
          continue;
        }
        const auto first =  // an empty text: may be left out
            std::find_if_not(values.array()->begin(), values.array()->end(), detail::is_empty_string);
        if (first != values.array()->end()) write_accepted(*first, out.key(name));
      }
      out.end_object();
    } else if (value.array() != nullptr) {
      out.begin_array();
      for (const JsonTree& element : *value.array()) write_accepted(element, out);
      out.end_array();
    } else {
      write_json(value, out);
    }
  }

  static bool declines(std::span<const JsonTree> calls) {
    const JsonTree* name = calls.empty() ? nullptr : calls.front().find("name");
    return calls.empty() || (name != nullptr && name->is_null());
  }

  static JsonTree arguments_of(const JsonTree& call) {
    const JsonTree* arguments = call.find("arguments");
    return arguments == nullptr ? JsonTree() : *arguments;
  }

  static const JsonTree& gold_member(const JsonTree& gold, std::string_view member) {
    if (const JsonTree* found = gold.find(member)) return *found;
    throw Error("sample's answer", "missing field " + std::string(member));
  }
};
static_assert(GradesAnswers<ToolCallTask> && SummarizesGrades<ToolCallTask>);

}  // namespace kvx::inline v0
