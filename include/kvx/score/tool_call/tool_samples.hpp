#pragma once

#include <kvx/core/error.hpp>
#include <kvx/io/json/json_tree.hpp>
#include <kvx/io/json/json_tree_parse.hpp>
#include <kvx/io/json/json_tree_text.hpp>
#include <kvx/io/json/json_writer.hpp>
#include <kvx/score/sample.hpp>
#include <kvx/score/tool_call/tool_schema.hpp>
#include <kvx/text/python/python_json.hpp>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

// Functions for all data sets of tool calls: the request to a model, and the right calls in the form for ToolCallTask.
namespace kvx::inline v0::detail {

/// The sample of a request to `tools`, which is a JSON array as its file has it. `answer` is the sample's answer, and
/// `calls` the number of calls in it.
inline Sample tool_sample(const std::string& where, std::string_view tools, std::string_view request,
                          std::string answer, std::string task, std::size_t calls) {
  constexpr int kTokens = 256, kTokensOfSeveral = 512;
  return {
      "You can call the tools below. Answer the user's request with the call that it takes and with nothing else: "
      "one JSON object {\"name\": TOOL, \"arguments\": {PARAMETER: VALUE, ...}}. If it takes several calls, answer "
      "with a JSON array of such objects. If none of the tools serves the request, answer {\"name\": null, "
      "\"arguments\": {}}.\n\nTools:\n" +
          python_json(tools, where) + "\n",
      "\nUser request: " + std::string(request) + "\n",
      "",
      std::move(answer),
      std::move(task),
      calls > 1 ? kTokensOfSeveral : kTokens};
}

/// The answer to a request that no tool serves.
inline std::string declined_answer() { return "{\"name\":null,\"arguments\":{}}"; }

inline std::string possible_answer(JsonTree functions, JsonTree possible) {
  JsonWriter out;
  write_json(JsonTree(JsonTree::Object{{"functions", std::move(functions)}, {"possible", std::move(possible)}}), out);
  return out.text();
}

/// The name of each tool, and its parameters as a JSON Schema.
inline JsonTree::Array functions_of(const JsonTree& tools, const std::string& where) {
  if (tools.array() == nullptr) throw Error(where, "expected an array of tools, found " + std::string(tools.type()));
  JsonTree::Array functions;
  for (const JsonTree& tool : *tools.array()) {
    const JsonTree *name = tool.find("name"), *parameters = tool.find("parameters");
    if (name == nullptr || name->string() == nullptr)
      throw Error(where, "expected tools with a name, found " + std::string(tool.type()) + " without one");
    functions.push_back(JsonTree(JsonTree::Object{
        {"name", *name},
        {"parameters", parameters_schema(parameters == nullptr ? JsonTree(JsonTree::Object()) : *parameters)}}));
  }
  return functions;
}

inline bool declares_object(const JsonTree* schema) {
  const JsonTree* type = schema == nullptr ? nullptr : schema->find("type");
  return type != nullptr && type->string() != nullptr && *type->string() == "object";
}

/// A value in the form of accepted values: a member of a declared object, or of the objects in a declared array,
/// becomes an array of the values that are accepted there.
inline JsonTree accepted_value(const JsonTree& value, const JsonTree& schema) {
  const auto is_object = [](const JsonTree& tree) { return tree.object() != nullptr; };
  if (is_object(value) && declares_object(&schema)) {
    JsonTree::Object accepted;
    for (const auto& [name, member] : *value.object()) accepted.push_back({name, JsonTree(JsonTree::Array{member})});
    return JsonTree(std::move(accepted));
  }
  const JsonTree* items = schema.find("items");
  if (value.array() == nullptr || !declares_object(items) ||
      !std::all_of(value.array()->begin(), value.array()->end(), is_object))
    return value;
  JsonTree::Array accepted;
  for (const JsonTree& element : *value.array()) accepted.push_back(accepted_value(element, *items));
  return JsonTree(std::move(accepted));
}

/// The function with a schema that its right call fits, whatever was declared: arguments that the call lacks are not
/// required, and arguments that it has are known.
inline JsonTree fitted_function(const JsonTree& function, const JsonTree& arguments) {
  const JsonTree& schema = *function.find("parameters");
  const JsonTree *declared = schema.find("properties"), *names = schema.find("required");
  JsonTree::Object properties;
  for (const auto& [name, value] : *arguments.object()) properties.push_back({name, JsonTree(JsonTree::Object())});
  if (declared != nullptr) properties.insert(properties.end(), declared->object()->begin(), declared->object()->end());
  JsonTree::Array required;
  if (names != nullptr)
    std::copy_if(names->array()->begin(), names->array()->end(), std::back_inserter(required),
                 [&](const JsonTree& name) { return arguments.find(*name.string()) != nullptr; });
  return JsonTree(
      JsonTree::Object{{"name", *function.find("name")},
                       {"parameters", JsonTree(JsonTree::Object{{"type", JsonTree("object")},
                                                                {"properties", JsonTree(std::move(properties))},
                                                                {"required", JsonTree(std::move(required))}})}});
}

/// The sample's answer if `calls`, objects with `name` and `arguments`, are the only right ones. Arguments that a call
/// does not have are wrong; arguments that equal the tool's default may be left out. Without calls, the request must be
/// declined.
inline std::string called_answer(const JsonTree& tools, const JsonTree::Array& calls, const std::string& where) {
  if (calls.empty()) return declined_answer();
  JsonTree::Array functions = functions_of(tools, where), possible;
  for (const JsonTree& call : calls) {
    const JsonTree *name = call.find("name"), *arguments = call.find("arguments");
    if (name == nullptr || name->string() == nullptr || arguments == nullptr || arguments->object() == nullptr)
      throw Error(where, "expected calls with a name and an object of arguments, found one without");
    const auto function = std::find_if(functions.begin(), functions.end(),
                                       [&](const JsonTree& known) { return *known.find("name") == *name; });
    if (function == functions.end()) throw Error(where, "expected a tool named " + *name->string() + ", found none");
    *function = fitted_function(*function, *arguments);
    JsonTree::Object accepted;
    for (const auto& [argument, value] : *arguments->object()) {
      const JsonTree& schema = *function->find("parameters")->find("properties")->find(argument);
      JsonTree::Array values = {accepted_value(value, schema)};
      const JsonTree* preset = schema.find("default");
      if (preset != nullptr && python_equal(*preset, value)) values.push_back(JsonTree(""));
      accepted.push_back({argument, JsonTree(std::move(values))});
    }
    possible.push_back(JsonTree(JsonTree::Object{{*name->string(), JsonTree(std::move(accepted))}}));
  }
  return possible_answer(JsonTree(std::move(functions)), JsonTree(std::move(possible)));
}

/// The JSON in a text of a row. Throws Error, naming `where`, for anything else.
inline JsonTree json_in(std::string_view text, const std::string& where) {
  if (auto tree = parse_json(text)) return std::move(*tree);
  throw Error(where, "expected JSON, found " + shortened(text, 60));
}

/// The JSON of a column: its value, or the text of the value if it is a string.
inline std::string json_column(const JsonlRow& row, const char* column) {
  return row.at(column).string() != nullptr ? row.string(column) : row.json(column);
}

}  // namespace kvx::inline v0::detail
