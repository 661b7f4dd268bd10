#pragma once

#include <kvx/io/json/json_tree.hpp>
#include <kvx/io/json_schema/json_schema_effort.hpp>
#include <kvx/io/json_schema/json_schema_rules.hpp>
#include <kvx/io/json_schema/json_tree_adapter.hpp>
#include <kvx/io/regex.hpp>

#include <valijson/constraints/concrete_constraints.hpp>
#include <valijson/validator.hpp>

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

namespace detail {

/// The subschemas of a schema by number, in valijson's form.
using Subschemas = std::vector<const valijson::Subschema*>;

inline bool accepts(const valijson::Subschema& schema, const JsonTree& value) {
  return valijson::Validator().validate(schema, JsonTreeAdapter(value), nullptr);
}

/// The keywords properties, patternProperties and additionalProperties of a schema that has patternProperties.
struct MemberRules {
  std::vector<std::pair<Regex, std::size_t>> patterns;
  std::map<std::string, std::size_t, std::less<>> names;
  std::size_t others = 0;  // for members without a name or pattern above

  bool accept(const JsonTree& value, const Subschemas& subschemas) const {
    if (value.object() == nullptr) return true;
    for (const JsonMember& member : *value.object()) {
      bool known = false;
      const auto accepted = [&](std::size_t schema) {
        known = true;
        return accepts(*subschemas[schema], member.value);
      };
      if (const auto found = names.find(member.name); found != names.end() && !accepted(found->second)) return false;
      for (const auto& [pattern, schema] : patterns)
        if (SchemaEffort::found(pattern, member.name) && !accepted(schema)) return false;
      if (!known && !accepted(others)) return false;
    }
    return true;
  }
};

/// A constraint in valijson's schema for the keywords that kvx checks itself.
class RulesConstraint : public valijson::constraints::PolyConstraint {
 public:
  struct Rules {
    SchemaRules value;
    std::optional<MemberRules> members;
  };
  RulesConstraint(std::shared_ptr<const Rules> rules, const Subschemas& subschemas)
      : rules_(std::move(rules)), subschemas_(&subschemas) {}

  bool validate(const valijson::adapters::Adapter& target, const std::vector<std::string>& path,
                valijson::ValidationResults*) const override {
    SchemaEffort::spend(path);
    if (const auto* adapter = dynamic_cast<const JsonTreeAdapter*>(&target)) return is_valid(adapter->tree());
    return is_valid(JsonTree(target.asString()));  // a member's name
  }

 private:
  bool is_valid(const JsonTree& value) const {
    return rules_->value.accept(value) && (!rules_->members || rules_->members->accept(value, *subschemas_));
  }
  Constraint* cloneInto(void* memory) const override { return new (memory) RulesConstraint(*this); }
  std::size_t sizeOf() const override { return sizeof(RulesConstraint); }

  std::shared_ptr<const Rules> rules_;
  const Subschemas* subschemas_;
};

}  // namespace detail

}  // namespace kvx::inline v0
