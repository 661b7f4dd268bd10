#pragma once

#include <kvx/io/json/json_tree.hpp>
#include <kvx/io/json/json_tree_parse.hpp>
#include <kvx/score/fenced_blocks.hpp>
#include <kvx/score/tool_call/extract_json.hpp>
#include <kvx/score/tool_call/family_calls.hpp>
#include <kvx/score/tool_call/read_calls.hpp>
#include <kvx/score/tool_call/read_family.hpp>
#include <kvx/score/tool_call/tool_forms.hpp>

#include <algorithm>
#include <iterator>
#include <string_view>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// The calls of an answer.
struct AnswerCalls {
  std::vector<JsonTree> whole;
  bool broken = false;         ///< whether another call follows that is broken or cut off
  bool none_in_array = false;  ///< whether the answer is an empty array
  ToolForms read = {};         ///< the other engines' forms of the first call

  /// Whether there is nothing to grade.
  bool unparsed() const { return whole.empty() && !none_in_array; }
  /// Whether the request is declined.
  bool decline() const {
    const JsonTree* name = whole.empty() ? nullptr : whole.front().find("name");
    return none_in_array || (name != nullptr && name->is_null());
  }
};

/// Reads the calls of an answer: those in the form of a family that `forms` accepts or, if there are none, the answer's
/// JSON objects, also in other engines' forms that `forms` accepts. `is_text` is as for read_family().
inline AnswerCalls answer_calls(std::string_view answer, const ToolForms& forms, const IsTextParameter& is_text) {
  // Families whose calls are objects with a name. If their form is broken, the objects in it are read.
  constexpr unsigned kObjects = ToolForms::hermes | ToolForms::llama3 | ToolForms::phi | ToolForms::granite |
                                ToolForms::nemotron | ToolForms::json;
  for (const ToolForms::Form family : forms.families()) {
    FamilyCalls found = read_family(family, answer, is_text);
    if (found.complete ? found.calls.empty() : (family & kObjects) != 0) continue;
    const ToolForms read(found.calls.empty() ? 0u : unsigned{family});
    return {std::move(found.calls), !found.complete, false, read};
  }
  ExtractedObjects objects = extract_objects(answer);
  AnswerCalls calls{{}, objects.broken};
  for (const JsonTree& object : objects.whole) {
    ReadCalls read = read_calls(object, forms);
    if (calls.whole.empty()) calls.read = read.read;
    std::move(read.calls.begin(), read.calls.end(), std::back_inserter(calls.whole));
  }
  if (objects.count() > 0) return calls;
  const auto blocks = fenced_blocks(answer);
  const auto tree = parse_json(blocks.empty() ? answer : std::string_view(blocks.front().text));
  calls.none_in_array = tree && tree->array() != nullptr && tree->array()->empty();
  return calls;
}

}  // namespace kvx::inline v0
