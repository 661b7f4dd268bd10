#pragma once

#include <kvx/core/error.hpp>
#include <kvx/io/json/json_tree.hpp>
#include <kvx/io/json_schema/json_schema_constraint.hpp>
#include <kvx/io/json_schema/json_schema_document.hpp>
#include <kvx/io/json_schema/json_schema_draft.hpp>
#include <kvx/io/json_schema/json_schema_effort.hpp>
#include <kvx/io/json_schema/json_schema_rules.hpp>

#include <algorithm>
#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

namespace detail {

/// Turns a schema into a flat list of schemas for valijson that refer to each other by number, because valijson
/// confuses some references that share a path, and does not support $id. In each of them the keyword kRules holds the
/// index of the rules that kvx checks itself.
class SchemaLowering {
 public:
  using Rules = RulesConstraint::Rules;
  static constexpr const char* kRules = "kvx";

  /// Throws Error, naming `where`, if `schema` is not a valid schema.
  SchemaLowering(const JsonTree& schema, const std::string& where) : document_(schema, where), where_(where) {
    number_of(schema);
    for (std::size_t i = 0; i < nodes_.size(); ++i) {  // lowered() adds nodes
      schemas_.push_back({std::to_string(i), lowered(*nodes_[i])});
      references_.push_back({std::to_string(i), reference(i)});
    }
  }

  /// A schema whose property "N" is schema N of the list; schema 0 is the whole schema.
  JsonTree schema() const {
    return JsonTree(JsonTree::Object{{"properties", JsonTree(references_)}, {"schemas", JsonTree(schemas_)}});
  }
  std::size_t size() const { return nodes_.size(); }
  const std::vector<std::shared_ptr<const Rules>>& rules() const { return rules_; }

 private:
  static JsonTree reference(std::size_t number) {
    return JsonTree(JsonTree::Object{{"$ref", JsonTree("#/schemas/" + std::to_string(number))}});
  }

  std::size_t number_of(const JsonTree& node) {
    constexpr std::size_t kMaxSchemas = 1000;
    const JsonTree& target = document_.resolve(node);
    const auto [found, is_new] = numbers_.emplace(&target, nodes_.size());
    if (is_new) nodes_.push_back(&target);
    if (nodes_.size() > kMaxSchemas)
      throw Error(where_, "expected at most " + std::to_string(kMaxSchemas) + " subschemas, found more");
    return found->second;
  }
  JsonTree refer(const JsonTree& node) { return reference(number_of(node)); }

  JsonTree lowered(const JsonTree& schema) {
    if (schema.boolean() != nullptr) return schema;
    if (schema.object() == nullptr)
      throw Error(where_, "expected a schema, an object or a boolean, found " + std::string(schema.type()));
    auto own_rules = std::make_shared<Rules>(Rules{SchemaRules(schema, where_), std::nullopt});
    const bool has_patterns = schema.find("patternProperties") != nullptr;
    if (has_patterns) own_rules->members = member_rules(schema);
    JsonTree::Object out;
    // The first constraint, so that the limits are checked before valijson goes deeper.
    JsonTree::Array all_of{JsonTree(JsonTree::Object{{kRules, JsonTree(JsonNumber(rules_.size()))}})};
    rules_.push_back(std::move(own_rules));
    for (const auto& [name, value] : *schema.object()) {
      const auto is_any_of = [&name = name](auto... names) { return ((name == names) || ...); };
      if (is_later_) {
        expect_lowerable(name, value);
        if (is_any_of("$ref")) all_of.push_back(refer(document_.target(schema)));
        if (later_keyword(schema, name, value, out)) continue;
      }
      if (is_any_of("allOf")) {
        for (const JsonTree& element : array(name, value)) all_of.push_back(refer(element));
      } else if (is_any_of("anyOf", "oneOf") || (is_any_of("items") && value.array() != nullptr)) {
        JsonTree::Array elements;
        for (const JsonTree& element : array(name, value)) elements.push_back(refer(element));
        out.push_back({name, JsonTree(std::move(elements))});
      } else if (is_any_of("dependencies") || (is_any_of("properties") && !has_patterns)) {
        JsonTree::Object members;
        for (const auto& [key, member] : object(name, value))
          members.push_back({key, is_any_of("dependencies") && member.array() != nullptr ? member : refer(member)});
        out.push_back({name, JsonTree(std::move(members))});
      } else if (is_any_of("additionalItems", "items", "contains", "not", "if", "then", "else", "propertyNames") ||
                 (is_any_of("additionalProperties") && !has_patterns)) {
        out.push_back({name, refer(value)});
      } else if (is_any_of("type", "required", "minItems", "maxItems", "minProperties", "maxProperties")) {
        out.push_back({name, value});
      }
    }
    out.push_back({"allOf", JsonTree(std::move(all_of))});
    return JsonTree(std::move(out));
  }

  /// Throws Error for keywords of the drafts after draft 7 that neither valijson nor kvx checks.
  void expect_lowerable(const std::string& name, const JsonTree& value) const {
    const bool is_one = value.number() != nullptr && value.number()->value() == 1;
    for (const char* keyword : {"unevaluatedProperties", "unevaluatedItems", "$dynamicRef", "$recursiveRef"})
      if (name == keyword) throw Error(where_, name + ": kvx does not check this keyword");
    if ((name == "minContains" && !is_one) || name == "maxContains")
      throw Error(where_, name + ": kvx does not check this keyword, except a minContains of 1");
    if (document_.draft() == SchemaDraft::y2020 && name == "items" && value.array() != nullptr)
      throw Error(where_, "items: expected a schema, found an array; in draft 2020-12 it is called prefixItems");
  }

  /// Translates to draft 7 a keyword that later drafts spell differently; returns false for other keywords.
  bool later_keyword(const JsonTree& schema, const std::string& name, const JsonTree& value, JsonTree::Object& out) {
    const bool tuples = document_.draft() == SchemaDraft::y2020 && schema.find("prefixItems") != nullptr;
    if (name == "prefixItems" && tuples) {
      JsonTree::Array elements;
      for (const JsonTree& element : array(name, value)) elements.push_back(refer(element));
      out.push_back({"items", JsonTree(std::move(elements))});
    } else if (name == "items" && tuples) {
      out.push_back({"additionalItems", refer(value)});
    } else if (name == "dependentSchemas" || name == "dependentRequired") {
      // In draft 7 both are written as `dependencies`; dependentRequired is merged into dependentSchemas by name.
      JsonTree::Object members;
      if (const JsonTree* schemas = schema.find("dependentSchemas"))
        for (const auto& [key, member] : object("dependentSchemas", *schemas)) members.push_back({key, refer(member)});
      if (const JsonTree* required = schema.find("dependentRequired"))
        for (const auto& [key, member] : object("dependentRequired", *required)) add_required(members, key, member);
      if (name == "dependentSchemas" || schema.find("dependentSchemas") == nullptr)
        out.push_back({"dependencies", JsonTree(std::move(members))});
    } else {
      return name == "dependencies" || (name == "additionalItems" && document_.draft() == SchemaDraft::y2020);
    }
    return true;
  }

  /// Adds the members that the member `key` requires. If `key` already has a schema, both must hold.
  void add_required(JsonTree::Object& members, const std::string& key, const JsonTree& names) const {
    const auto found = std::find_if(members.begin(), members.end(), [&](const auto& m) { return m.name == key; });
    if (array("dependentRequired", names).empty()) return;
    if (found == members.end()) return members.push_back({key, names});
    const JsonTree required(JsonTree::Object{{"required", names}});
    found->value = JsonTree(JsonTree::Object{{"allOf", JsonTree(JsonTree::Array{found->value, required})}});
  }

  MemberRules member_rules(const JsonTree& schema) {
    static const JsonTree anything(true);
    MemberRules result;
    for (const auto& [pattern, member] : object("patternProperties", *schema.find("patternProperties")))
      result.patterns.emplace_back(SchemaEffort::pattern(pattern, where_ + ": patternProperties"), number_of(member));
    if (const JsonTree* members = schema.find("properties"))
      for (const auto& [key, member] : object("properties", *members)) result.names.emplace(key, number_of(member));
    const JsonTree* others = schema.find("additionalProperties");
    result.others = number_of(others != nullptr ? *others : anything);
    return result;
  }

  const JsonTree::Array& array(const std::string& name, const JsonTree& value) const {
    if (value.array() == nullptr) throw Error(where_, name + ": expected an array, found " + std::string(value.type()));
    return *value.array();
  }
  const JsonTree::Object& object(const std::string& name, const JsonTree& value) const {
    if (value.object() == nullptr)
      throw Error(where_, name + ": expected an object, found " + std::string(value.type()));
    return *value.object();
  }

  SchemaDocument document_;
  bool is_later_ = document_.draft() != SchemaDraft::draft7;
  std::string where_;
  std::vector<const JsonTree*> nodes_;
  std::map<const JsonTree*, std::size_t> numbers_;
  JsonTree::Object schemas_, references_;
  std::vector<std::shared_ptr<const Rules>> rules_;
};

}  // namespace detail

}  // namespace kvx::inline v0
