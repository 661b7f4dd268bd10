#pragma once

#include <kvx/core/error.hpp>
#include <kvx/io/json/json_tree.hpp>
#include <kvx/io/json_schema/json_schema.hpp>
#include <kvx/score/sample.hpp>
#include <kvx/score/tool_call/gold_calls.hpp>

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace kvx::inline v0 {

/// The right answer to a request for calls, read from the JSON of a sample's answer, with its schemas compiled. See
/// ToolCallTask for the forms of that JSON.
class ToolGold {
 public:
  /// Throws Error if `answer` has none of the forms.
  explicit ToolGold(std::string_view answer) : tree_(answer_object(answer)) {
    if (tree_.find("possible") != nullptr) {
      functions_ = member(tree_, "functions");
      calls_ = gold_calls(functions_, member(tree_, "possible"));
      for (const GoldCall& call : calls_) add_schema(*call.name, *call.schema, "parameters");
      return;
    }
    const JsonTree& name = member(tree_, "name");
    if (name.is_null()) return;
    if (name.string() == nullptr)
      throw Error("sample's answer", "name: expected a string or null, found " + std::string(name.type()));
    name_ = name.string();
    arguments_ = &member(tree_, "arguments");
    const JsonTree& schema = member(tree_, "schema");
    add_schema(*name_, schema, "schema");
    if (const JsonTree* accepted = tree_.find("accepted"); accepted != nullptr && !accepted->is_null()) {
      functions_ = JsonTree(JsonTree::Array{JsonTree(JsonTree::Object{{"name", name}, {"parameters", schema}})});
      calls_ = gold_calls(functions_, *accepted, "accepted");
      if (calls_.size() != 1)
        throw Error("sample's answer", "accepted: expected one call, the same as name and arguments, found " +
                                           std::to_string(calls_.size()) + "; several calls belong in possible");
    }
  }
  ToolGold(const ToolGold&) = delete;
  ToolGold& operator=(const ToolGold&) = delete;

  /// Whether a tool serves the request. If none does, the request must be declined.
  bool is_served() const { return name_ != nullptr || !calls_.empty(); }
  /// The only right name; nullptr if only calls() has the right answer.
  const std::string* name() const { return name_; }
  /// The only right object of arguments; requires a name().
  const JsonTree& arguments() const { return *arguments_; }
  /// The right calls with all accepted values; empty if only one name and its arguments are right.
  const std::vector<GoldCall>& calls() const { return calls_; }
  const JsonTree& functions() const { return functions_; }
  const JsonTree& possible() const { return *tree_.find("possible"); }

  /// The schema of the arguments of `tool`. If there is only one schema, `tool` does not matter. nullptr if there is
  /// none.
  const JsonSchema* schema_of(std::string_view tool) const {
    const auto found = schemas_.size() == 1 ? schemas_.begin() : schemas_.find(tool);
    return found == schemas_.end() ? nullptr : &found->second;
  }

  /// Whether `parameter` of `tool` is declared as a string.
  bool is_text(std::string_view tool, std::string_view parameter) const {
    const JsonTree* schema = name_ != nullptr ? tree_.find("schema") : nullptr;
    if (schema == nullptr && functions_.array() != nullptr)
      for (const JsonTree& function : *functions_.array())
        if (const JsonTree* name = function.find("name"); name != nullptr && *name == JsonTree(std::string(tool)))
          schema = function.find("parameters");
    for (const std::string_view member : {std::string_view("properties"), parameter, std::string_view("type")})
      schema = schema == nullptr ? nullptr : schema->find(member);
    return schema != nullptr && *schema == JsonTree("string");
  }

 private:
  static const JsonTree& member(const JsonTree& tree, std::string_view name) {
    if (const JsonTree* found = tree.find(name)) return *found;
    throw Error("sample's answer", "missing field " + std::string(name));
  }
  void add_schema(const std::string& tool, const JsonTree& schema, const std::string& field) {
    schemas_.try_emplace(tool, schema, "sample's answer: " + field + " of " + tool);
  }

  JsonTree tree_, functions_;
  const std::string* name_ = nullptr;
  const JsonTree* arguments_ = nullptr;
  std::vector<GoldCall> calls_;
  std::map<std::string, JsonSchema, std::less<>> schemas_;
};

}  // namespace kvx::inline v0
