#pragma once

#include <kvx/io/json/json_tree.hpp>
#include <kvx/score/tool_call/bfcl_value.hpp>
#include <kvx/score/tool_call/gold_calls.hpp>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

namespace kvx::inline v0 {

namespace detail {

/// Whether a value is an accepted one. JSON types must be the same; strings are compared without case and punctuation,
/// as in BFCL. An accepted object holds for each member an array of accepted values, or a single value.
inline bool is_accepted(const JsonTree& value, const JsonTree& accepted) {
  const auto among_accepted = [](const JsonTree& element, const JsonTree& values) {
    if (values.array() == nullptr) return is_accepted(element, values);
    return std::any_of(values.array()->begin(), values.array()->end(),
                       [&](const JsonTree& candidate) { return is_accepted(element, candidate); });
  };
  if (value.string() != nullptr && accepted.string() != nullptr) return standardized(value) == standardized(accepted);
  if (value.array() != nullptr && accepted.array() != nullptr)
    return std::equal(value.array()->begin(), value.array()->end(), accepted.array()->begin(), accepted.array()->end(),
                      is_accepted);
  if (value.object() == nullptr || accepted.object() == nullptr) return value == accepted;
  for (const auto& [name, member] : *value.object())
    if (const JsonTree* values = accepted.find(name); values == nullptr || !among_accepted(member, *values))
      return false;
  return std::all_of(accepted.object()->begin(), accepted.object()->end(), [&](const JsonMember& member) {
    return value.find(member.name) != nullptr || may_be_left_out(member.value);
  });
}

/// Whether a call has the right name and only accepted arguments.
inline bool is_accepted_call(const JsonTree& call, const GoldCall& gold) {
  const JsonTree *name = call.find("name"), *arguments = call.find("arguments");
  return name != nullptr && name->string() != nullptr && *name->string() == *gold.name && arguments != nullptr &&
         arguments->object() != nullptr && is_accepted(*arguments, *gold.accepted);
}

}  // namespace detail

/// Whether `calls` are exactly the gold calls, each once, in any order. Names, strings and optional arguments are
/// compared by BFCL's rules, but with JSON's types: 1 equals 1.0, and equals neither true nor "1".
inline bool are_exact_calls(std::span<const GoldCall> gold, std::span<const JsonTree> calls) {
  if (gold.size() != calls.size()) return false;
  // A call may match several gold calls; Kuhn's algorithm finds an assignment for all of them.
  std::vector<std::size_t> owner(calls.size(), gold.size());
  std::vector<bool> seen;
  const std::function<bool(std::size_t)> find_call = [&](std::size_t wanted) {
    for (std::size_t c = 0; c < calls.size(); ++c) {
      if (seen[c] || !detail::is_accepted_call(calls[c], gold[wanted])) continue;
      seen[c] = true;
      if (owner[c] == gold.size() || find_call(owner[c])) {
        owner[c] = wanted;
        return true;
      }
    }
    return false;
  };
  for (std::size_t wanted = 0; wanted < gold.size(); ++wanted) {
    seen.assign(calls.size(), false);
    if (!find_call(wanted)) return false;
  }
  return true;
}

}  // namespace kvx::inline v0
