#pragma once

#include <kvx/io/json/json_tree.hpp>
#include <kvx/score/tool_call/bfcl_value.hpp>
#include <kvx/score/tool_call/gold_calls.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kvx::inline v0 {

/// Whether calls are right, and the first error in them.
struct AstVerdict {
  bool valid = false;
  std::string error_type = {};  ///< empty if valid
};

namespace detail {

/// The first error in one call; empty if there is none.
inline std::string_view call_error(const GoldCall& gold, const JsonTree& call) {
  const JsonTree *name = call.find("name"), *arguments = call.find("arguments");
  if (name == nullptr || name->string() == nullptr || *name->string() != *gold.name)
    return "simple_function_checker:wrong_func_name";
  if (arguments == nullptr || arguments->object() == nullptr) return "type_error:simple";
  if (const JsonTree* required = gold.schema->find("required"); required != nullptr && required->array() != nullptr)
    for (const JsonTree& member : *required->array())
      if (member.string() != nullptr && arguments->find(*member.string()) == nullptr)
        return "simple_function_checker:missing_required";
  const JsonTree* declared = gold.schema->find("properties");
  for (const auto& [argument, value] : *arguments->object()) {
    const JsonTree* schema = declared == nullptr ? nullptr : declared->find(argument);
    const JsonTree* accepted = gold.accepted->find(argument);
    if (schema == nullptr || accepted == nullptr) return "simple_function_checker:unexpected_param";
    if (const auto error = value_error(value, *accepted->array(), *schema); !error.empty()) return error;
  }
  for (const auto& [argument, accepted] : *gold.accepted->object())
    if (arguments->find(argument) == nullptr && !may_be_left_out(accepted))
      return "simple_function_checker:missing_optional";
  return {};
}

}  // namespace detail

/// The verdict of the AST check of the Berkeley Function-Calling Leaderboard (Patil et al., 2025; Python, unchanged
/// names) on `calls`, objects with `name` and `arguments`. Several calls may be in any order. See gold_calls() for
/// `functions` and `possible`. If a call has several errors, the first one by the arguments' names is reported,
/// whatever their order in the call.
inline AstVerdict ast_verdict(const JsonTree& functions, const JsonTree& possible, std::span<const JsonTree> calls) {
  const std::vector<GoldCall> gold = gold_calls(functions, possible);
  const std::string checker = gold.size() > 1                 ? "parallel_function_checker_no_order"
                              : functions.array()->size() > 1 ? "multiple_function_checker"
                                                              : "simple_function_checker";
  if (calls.size() != gold.size()) return {false, checker + ":wrong_count"};
  if (gold.size() == 1) {
    const std::string_view error = detail::call_error(gold.front(), calls.front());
    return {error.empty(), std::string(error)};
  }
  std::vector<bool> taken(calls.size());
  for (const GoldCall& wanted : gold) {  // each takes the first call that matches, as in BFCL
    std::size_t i = 0;
    while (i < calls.size() && (taken[i] || !detail::call_error(wanted, calls[i]).empty())) ++i;
    if (i == calls.size()) return {false, checker + ":cannot_find_match"};
    taken[i] = true;
  }
  return {true};
}

}  // namespace kvx::inline v0
