// expects: VALIJSON_USE_EXCEPTIONS
#undef VALIJSON_USE_EXCEPTIONS
#include <kvx/io/json_schema/json_schema.hpp>
