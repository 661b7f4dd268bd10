#pragma once

#include <kvx/io/json/json_tree.hpp>
#include <kvx/text/lower_case.hpp>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

namespace kvx::inline v0 {

namespace detail {

/// The schema of a type with a name of BFCL ("dict"), xLAM ("List[int], optional") or JSON Schema. For an unknown name
/// it is empty, which means any type.
inline JsonTree::Object type_schema(std::string_view declared) {
  constexpr std::pair<std::string_view, const char*> kNames[] = {
      {"array", "array"},   {"bool", "boolean"}, {"boolean", "boolean"}, {"dict", "object"},   {"double", "number"},
      {"float", "number"},  {"int", "integer"},  {"integer", "integer"}, {"list", "array"},    {"number", "number"},
      {"object", "object"}, {"set", "array"},    {"str", "string"},      {"string", "string"}, {"tuple", "array"}};
  constexpr std::size_t kLongest = 200;  // limits the depth of types within types
  if (declared.size() > kLongest) return {};
  const std::string word = lower_case(declared.substr(0, declared.find_first_of("[, ")));
  const std::size_t open = declared.find('['), close = declared.rfind(']');
  const std::string_view inner =
      open < close && close != declared.npos ? declared.substr(open + 1, close - open - 1) : std::string_view();
  if (word == "optional") return type_schema(inner);
  const auto name = std::find_if(std::begin(kNames), std::end(kNames), [&](const auto& n) { return n.first == word; });
  if (name == std::end(kNames)) return {};
  JsonTree::Object schema = {{"type", JsonTree(name->second)}};
  if (!inner.empty() && (word == "list" || word == "set")) schema.push_back({"items", JsonTree(type_schema(inner))});
  return schema;
}

}  // namespace detail

/// A parameter's or a function's declaration as a JSON Schema of draft 7. It keeps type, items, properties, required,
/// enum and default; members of these names but of another form are left out.
inline JsonTree tool_schema(const JsonTree& declared) {
  JsonTree::Object schema;
  if (const JsonTree* type = declared.find("type"); type != nullptr && type->string() != nullptr)
    schema = detail::type_schema(*type->string());
  if (const JsonTree* values = declared.find("enum"); values != nullptr && values->array() != nullptr)
    schema.push_back({"enum", *values});
  if (const JsonTree* value = declared.find("default"); value != nullptr) schema.push_back({"default", *value});
  if (const JsonTree* items = declared.find("items"); items != nullptr && items->object() != nullptr)
    schema.push_back({"items", tool_schema(*items)});
  if (const JsonTree* members = declared.find("properties"); members != nullptr && members->object() != nullptr) {
    JsonTree::Object properties;
    for (const auto& [name, property] : *members->object()) properties.push_back({name, tool_schema(property)});
    schema.push_back({"properties", JsonTree(std::move(properties))});
  }
  if (const JsonTree* required = declared.find("required"); required != nullptr && required->array() != nullptr) {
    JsonTree::Array names;
    for (const JsonTree& name : *required->array())
      if (name.string() != nullptr) names.push_back(name);
    schema.push_back({"required", JsonTree(std::move(names))});
  }
  return JsonTree(std::move(schema));
}

/// A function's parameters as a JSON Schema. They may be declared as a schema or, as in xLAM, each by its name; then
/// those are required that have no default and whose type is not called optional.
inline JsonTree parameters_schema(const JsonTree& parameters) {
  const JsonTree* type = parameters.find("type");
  if (parameters.object() == nullptr || (type != nullptr && type->string() != nullptr)) return tool_schema(parameters);
  JsonTree::Array required;
  for (const auto& [name, parameter] : *parameters.object()) {
    const JsonTree* parameter_type = parameter.find("type");
    const bool optional = parameter_type != nullptr && parameter_type->string() != nullptr &&
                          lower_case(*parameter_type->string()).find("optional") != std::string::npos;
    if (!optional && parameter.find("default") == nullptr) required.push_back(JsonTree(name));
  }
  return tool_schema(JsonTree(JsonTree::Object{
      {"type", JsonTree("object")}, {"properties", parameters}, {"required", JsonTree(std::move(required))}}));
}

}  // namespace kvx::inline v0
