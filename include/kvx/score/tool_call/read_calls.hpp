#pragma once

#include <kvx/io/json/json_tree.hpp>
#include <kvx/io/json/json_tree_parse.hpp>
#include <kvx/score/tool_call/tool_forms.hpp>

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// Calls, and the forms of other engines in which they were written.
struct ReadCalls {
  std::vector<JsonTree> calls;
  ToolForms read = {};
};

namespace detail {

/// The call in the member `function` or `function_call` of an object without a name; otherwise the object itself.
inline JsonTree unwrapped_call(JsonTree call, const ToolForms& forms, ToolForms& read) {
  if (call.find("name") != nullptr) return call;
  for (const auto& [key, form] :
       {std::pair("function", ToolForms::function), {"function_call", ToolForms::function_call}})
    if (const JsonTree* inner = call.find(key); forms.has(form) && inner != nullptr && inner->find("name") != nullptr) {
      read.add(form);
      return JsonTree(*inner);
    }
  return call;
}

/// The call with its arguments in the member `arguments`, as an object.
inline JsonTree with_plain_arguments(JsonTree call, const ToolForms& forms, ToolForms& read) {
  if (call.object() == nullptr) return call;
  const auto absent = [&] {
    const JsonTree* arguments = call.find("arguments");
    return arguments == nullptr || arguments->is_null();
  };
  const auto set_arguments = [&](JsonTree arguments, ToolForms::Form form) {
    JsonTree::Object members = *call.object();
    std::erase_if(members, [&](const JsonMember& member) {
      return member.name == "arguments" || (form == ToolForms::parameters && member.name == "parameters");
    });
    members.push_back({"arguments", std::move(arguments)});
    call = JsonTree(std::move(members));
    read.add(form);
  };
  const JsonTree* parameters = call.find("parameters");
  if (forms.has(ToolForms::parameters) && absent() && parameters != nullptr && parameters->object() != nullptr)
    set_arguments(JsonTree(*parameters), ToolForms::parameters);
  const JsonTree* arguments = call.find("arguments");
  if (forms.has(ToolForms::string) && arguments != nullptr && arguments->string() != nullptr)
    if (auto tree = parse_json(*arguments->string()); tree && tree->object() != nullptr)
      set_arguments(std::move(*tree), ToolForms::string);
  const JsonTree* name = call.find("name");
  if (forms.has(ToolForms::missing) && absent() && name != nullptr && !name->is_null())
    set_arguments(JsonTree(JsonTree::Object()), ToolForms::missing);
  return call;
}

}  // namespace detail

/// The calls in an object of an answer if `forms` are accepted: the object itself, or the entries of its `tool_calls`.
inline ReadCalls read_calls(const JsonTree& object, const ToolForms& forms) {
  ReadCalls result;
  std::vector<JsonTree> calls = {object};
  const JsonTree* wrapped = object.find("name") == nullptr ? object.find("tool_calls") : nullptr;
  if (forms.has(ToolForms::tool_calls) && wrapped != nullptr && wrapped->array() != nullptr &&
      !wrapped->array()->empty() && wrapped->array()->front().object() != nullptr) {
    result.read.add(ToolForms::tool_calls);
    calls = *wrapped->array();
  }
  for (JsonTree& call : calls)
    result.calls.push_back(
        detail::with_plain_arguments(detail::unwrapped_call(std::move(call), forms, result.read), forms, result.read));
  return result;
}

}  // namespace kvx::inline v0
