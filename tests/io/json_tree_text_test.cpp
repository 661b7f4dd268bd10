#include <kvx/io/json/json_tree_text.hpp>

#include <doctest/doctest.h>

#include "support/json_of.hpp"

using namespace kvx;

TEST_CASE("A tree is written as JSON, and its numbers keep their digits") {
  JsonWriter out;
  write_json(json_of(R"( {"b": [1.0, -2e+3, 123456789012345678901, true, null], "a": {"\u00e9\n": ""}, "c": []} )"),
             out);
  CHECK(out.text() == "{\"a\":{\"\u00e9\\n\":\"\"},\"b\":[1.0,-2e+3,123456789012345678901,true,null],\"c\":[]}");
}
