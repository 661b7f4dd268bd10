#pragma once

#include <kvx/io/json/json_tree.hpp>
#include <kvx/score/tool_call/tool_schema.hpp>
#include <kvx/text/lower_case.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace kvx::inline v0::detail {

// Compares values as BFCL's AST check does, with its oddities. The types are those of Python, in which it is written.

enum class PythonType { none, boolean, integer, floating, string, list, dict };

inline PythonType python_type(const JsonTree& value) {
  if (value.number() != nullptr)
    return value.number()->written_as_integer() ? PythonType::integer : PythonType::floating;
  return value.boolean() != nullptr  ? PythonType::boolean
         : value.string() != nullptr ? PythonType::string
         : value.array() != nullptr  ? PythonType::list
         : value.object() != nullptr ? PythonType::dict
                                     : PythonType::none;
}

/// The type that a schema declares. As in BFCL, any and unknown types count as string.
inline PythonType declared_type(const JsonTree& schema) {
  const JsonTree* type = schema.find("type");
  const JsonTree::Object named =
      type != nullptr && type->string() != nullptr ? type_schema(*type->string()) : JsonTree::Object();
  const std::string_view word = named.empty() ? std::string_view() : *named.front().value.string();
  return word == "boolean"   ? PythonType::boolean
         : word == "integer" ? PythonType::integer
         : word == "number"  ? PythonType::floating
         : word == "array"   ? PythonType::list
         : word == "object"  ? PythonType::dict
                             : PythonType::string;
}

/// A string in the form that BFCL compares; other values are returned unchanged.
inline JsonTree standardized(const JsonTree& value) {
  if (value.string() == nullptr) return value;
  std::string text;
  for (const char c : lower_case(*value.string()))
    if (std::string_view(" ,./-_*^").find(c) == std::string_view::npos) text += c == '\'' ? '"' : c;
  return JsonTree(std::move(text));
}

inline JsonTree::Array standardized(const JsonTree::Array& values) {
  JsonTree::Array result;
  for (const JsonTree& value : values) result.push_back(standardized(value));
  return result;
}

inline bool among(const JsonTree& value, const JsonTree::Array& values) {
  return std::any_of(values.begin(), values.end(), [&](const JsonTree& other) { return python_equal(value, other); });
}

inline bool is_empty_string(const JsonTree& value) { return value.string() != nullptr && value.string()->empty(); }

/// Whether "" is among the accepted values.
inline bool may_be_left_out(const JsonTree& accepted) {
  return accepted.array() != nullptr &&
         std::any_of(accepted.array()->begin(), accepted.array()->end(), is_empty_string);
}

/// The elements of an accepted list; "" counts as an empty list. nullopt for other values.
inline std::optional<JsonTree::Array> accepted_elements(const JsonTree& accepted) {
  if (accepted.array() != nullptr) return *accepted.array();
  return is_empty_string(accepted) ? std::optional(JsonTree::Array()) : std::nullopt;
}

/// The type of the first accepted value that is not "".
inline std::optional<PythonType> accepted_type(const JsonTree::Array& accepted) {
  const auto first = std::find_if_not(accepted.begin(), accepted.end(), is_empty_string);
  return first == accepted.end() ? std::nullopt : std::optional(python_type(*first));
}

/// Whether each element has the type that is declared for items, or the type of the elements of an accepted list.
inline bool elements_fit(const JsonTree::Array& elements, const JsonTree::Array& accepted, PythonType items) {
  return std::any_of(accepted.begin(), accepted.end(), [&](const JsonTree& list) {
    return list.array() == nullptr || std::all_of(elements.begin(), elements.end(), [&](const JsonTree& element) {
             return python_type(element) == items || accepted_type(*list.array()) == python_type(element);
           });
  });
}

inline std::string_view dict_error(const JsonTree& value, const JsonTree& accepted) {
  std::string_view error;
  for (const auto& [name, member] : *value.object()) {
    const JsonTree* values = accepted.find(name);
    if (values == nullptr || values->array() == nullptr)
      error = "value_error:dict_key";
    else if (!among(standardized(member), standardized(*values->array())))
      error = "value_error:dict_value";
    if (!error.empty()) break;
  }
  for (const auto& [name, values] : *accepted.object())
    if (value.find(name) == nullptr && !may_be_left_out(values)) error = "value_error:dict_key";
  return error;
}

inline std::string_view dicts_error(const JsonTree::Array& values, const JsonTree::Array& accepted) {
  std::string_view error = "list_dict_checker:unclear";
  for (const JsonTree& candidate : accepted) {
    const auto elements = accepted_elements(candidate);
    if (!elements || elements->size() != values.size()) {
      error = "value_error:list_dict_count";
      continue;
    }
    error = {};
    for (std::size_t i = 0; i < values.size() && error.empty(); ++i)
      error = (*elements)[i].object() != nullptr ? dict_error(values[i], (*elements)[i]) : "dict_checker:unclear";
    if (error.empty()) break;
  }
  return error;
}

/// The error in an argument; empty if there is none.
inline std::string_view value_error(const JsonTree& value, const JsonTree::Array& accepted, const JsonTree& schema) {
  const PythonType declared = declared_type(schema);
  const auto accepted_kind = accepted_type(accepted);
  PythonType found = python_type(value);
  if (declared == PythonType::floating && found == PythonType::integer) found = declared;
  const JsonTree* item_schema = declared == PythonType::list ? schema.find("items") : nullptr;
  const PythonType items = item_schema != nullptr ? declared_type(*item_schema) : PythonType::none;
  if (found != declared && found != accepted_kind) return "type_error:simple";
  if (found == declared && items != PythonType::none && !elements_fit(*value.array(), accepted, items))
    return accepted_kind == found ? "type_error:nested" : "type_error:simple";
  // If the accepted values are of another type than the declared one, values are compared unchanged.
  if (found != declared || (accepted_kind && accepted_kind != declared))
    return among(value, accepted) ? "" : "value_error:others";

  const auto is_object = [](const JsonTree& element) { return element.object() != nullptr; };
  if (declared == PythonType::dict) {
    std::string_view error = "dict_checker:unclear";
    for (const JsonTree& candidate : accepted)
      if (is_object(candidate) && (error = dict_error(value, candidate)).empty()) break;
    return error;
  }
  if (declared == PythonType::string)
    return among(standardized(value), standardized(accepted)) ? "" : "value_error:string";
  if (declared != PythonType::list) return among(value, accepted) ? "" : "value_error:others";
  if (items == PythonType::dict && std::all_of(value.array()->begin(), value.array()->end(), is_object))
    return dicts_error(*value.array(), accepted);
  const bool same = std::any_of(accepted.begin(), accepted.end(), [&](const JsonTree& candidate) {
    const auto elements = accepted_elements(candidate);
    return elements && python_equal(JsonTree(standardized(*value.array())), JsonTree(standardized(*elements)));
  });
  return same ? "" : "value_error:list/tuple";
}

}  // namespace kvx::inline v0::detail
