#pragma once

#include <kvx/core/error.hpp>
#include <kvx/io/json/json.hpp>
#include <kvx/io/json/json_tree.hpp>

#include <string>
#include <string_view>

namespace kvx::inline v0::detail {

/// The drafts of JSON Schema whose keywords are checked differently.
enum class SchemaDraft { draft7, y2019, y2020 };

/// The draft that a schema's `$schema` declares. It is draft 7 if none is declared, and for draft 6, whose schemas mean
/// the same in draft 7. Throws Error for any other draft.
inline SchemaDraft draft_of(const JsonTree& schema, const std::string& where) {
  const JsonTree* declared = schema.find("$schema");
  if (declared == nullptr) return SchemaDraft::draft7;
  if (declared->string() == nullptr)
    throw Error(where, "expected $schema to be a string, found " + std::string(declared->type()));
  std::string_view uri = *declared->string();
  while (uri.ends_with('#')) uri.remove_suffix(1);
  for (const std::string_view scheme : {"https://", "http://"})
    if (uri.starts_with(scheme)) uri.remove_prefix(scheme.size());
  if (uri == "json-schema.org/draft-07/schema" || uri == "json-schema.org/draft-06/schema") return SchemaDraft::draft7;
  if (uri == "json-schema.org/draft/2019-09/schema") return SchemaDraft::y2019;
  if (uri == "json-schema.org/draft/2020-12/schema") return SchemaDraft::y2020;
  throw Error(where, "$schema: expected draft 6 or 7, 2019-09 or 2020-12 of JSON Schema, found " +
                         shortened(*declared->string(), 100));
}

}  // namespace kvx::inline v0::detail
