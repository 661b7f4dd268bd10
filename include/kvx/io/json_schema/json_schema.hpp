#pragma once

#include <kvx/core/error.hpp>
#include <kvx/io/json/json_tree.hpp>
#include <kvx/io/json_schema/json_schema_constraint.hpp>
#include <kvx/io/json_schema/json_schema_effort.hpp>
#include <kvx/io/json_schema/json_schema_lowering.hpp>
#include <kvx/io/json_schema/json_tree_adapter.hpp>

#include <valijson/constraint_builder.hpp>
#include <valijson/constraints/concrete_constraints.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>

#include <cstddef>
#include <exception>
#include <memory>
#include <string>
#include <utility>

namespace kvx::inline v0 {

/// A JSON Schema of the draft that its $schema declares, otherwise of draft 7. As in python-jsonschema, formats are not
/// checked, draft 7 ignores siblings of $ref, and no other document is fetched. Schemas of 2019-09 and 2020-12 with
/// unevaluated members or items, dynamic references or counts of `contains` are refused. Several threads may check
/// values against the same schema at once.
class JsonSchema {
 public:
  /// Throws Error, naming `where`, if `schema` is not such a schema.
  JsonSchema(const JsonTree& schema, std::string where) : where_(std::move(where)), state_(std::make_unique<State>()) {
    const detail::SchemaLowering lowering(schema, where_);
    const JsonTree flat = lowering.schema();
    valijson::SchemaParser parser;
    parser.addConstraintBuilder(detail::SchemaLowering::kRules, new Builder(lowering, state_->subschemas));
    const detail::SchemaEffort effort(where_);
    try {
      parser.populateSchema(JsonTreeAdapter(flat), state_->schema);
    } catch (const Error&) {
      throw;
    } catch (const std::exception& error) {
      throw Error(where_, std::string("not a JSON Schema of draft 7: ") + error.what());
    }
    state_->subschemas.resize(lowering.size());
    valijson::Subschema::ApplyFunction collect = [this](const valijson::constraints::Constraint& constraint) {
      dynamic_cast<const valijson::constraints::PropertiesConstraint&>(constraint)
          .applyToProperties([this](const auto& number, const valijson::Subschema* subschema) {
            state_->subschemas[std::stoul(number.c_str())] = subschema;
            return true;
          });
      return true;
    };
    state_->schema.apply(collect);
  }

  /// Whether `value` is valid. Throws Error if the check takes too many steps.
  bool accepts(const JsonTree& value) const {
    const detail::SchemaEffort effort(where_);
    return detail::accepts(*state_->subschemas.front(), value);
  }

 private:
  struct State {  // is not moved, because the rules refer to it
    valijson::Schema schema;
    detail::Subschemas subschemas;
  };

  struct Builder : valijson::ConstraintBuilder {
    Builder(const detail::SchemaLowering& l, const detail::Subschemas& s) : lowering(l), subschemas(s) {}
    valijson::constraints::Constraint* make(const valijson::adapters::Adapter& number) const override {
      detail::SchemaEffort::spend({});  // checks the stack, because valijson recurses from schema to schema
      const auto& rules = lowering.rules()[static_cast<std::size_t>(number.asInteger())];
      return new detail::RulesConstraint(rules, subschemas);
    }
    const detail::SchemaLowering& lowering;
    const detail::Subschemas& subschemas;
  };

  std::string where_;
  std::unique_ptr<State> state_;
};

}  // namespace kvx::inline v0
