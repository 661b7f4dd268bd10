#pragma once

// The code of valijson for JSON trees is generated only once, in schemas.cpp, and not in each file that reads a schema.
#include <kvx/io/json_schema/json_schema.hpp>

#ifndef KVX_ONCE
#define KVX_ONCE extern
#endif

KVX_ONCE template void valijson::SchemaParser::populateSchema(const kvx::JsonTreeAdapter&, valijson::Schema&,
                                                              FunctionPtrs<kvx::JsonTreeAdapter>::FetchDoc,
                                                              FunctionPtrs<kvx::JsonTreeAdapter>::FreeDoc);
KVX_ONCE template class valijson::ValidationVisitor<kvx::JsonTreeAdapter>;
KVX_ONCE template class valijson::ValidationVisitor<valijson::adapters::StdStringAdapter>;

#undef KVX_ONCE
