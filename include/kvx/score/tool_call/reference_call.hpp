#pragma once

#include <kvx/io/json/json_tree.hpp>
#include <kvx/io/json/json_tree_text.hpp>
#include <kvx/io/json/json_writer.hpp>
#include <kvx/score/tool_call/bfcl_value.hpp>
#include <kvx/score/tool_call/gold_calls.hpp>

#include <algorithm>
#include <span>
#include <string>

namespace kvx::inline v0 {

namespace detail {

/// Replaces each member of an object by the first of its accepted values, and the elements of an array likewise.
inline void write_first_accepted(const JsonTree& value, JsonWriter& out) {
  if (value.object() != nullptr) {
    out.begin_object();
    for (const auto& [name, values] : *value.object()) {
      if (values.array() == nullptr) {  // a single value, as for a parameter of unknown type
        write_json(values, out.key(name));
        continue;
      }
      const auto first =  // an empty string means that the argument is optional
          std::find_if_not(values.array()->begin(), values.array()->end(), is_empty_string);
      if (first != values.array()->end()) write_first_accepted(*first, out.key(name));
    }
    out.end_object();
  } else if (value.array() != nullptr) {
    out.begin_array();
    for (const JsonTree& element : *value.array()) write_first_accepted(element, out);
    out.end_array();
  } else {
    write_json(value, out);
  }
}

}  // namespace detail

/// The JSON of gold calls with the first of the accepted values: an object for one call, an array for several.
inline std::string reference_calls(std::span<const GoldCall> calls) {
  JsonWriter out;
  if (calls.size() > 1) out.begin_array();
  for (const GoldCall& call : calls) {
    detail::write_first_accepted(*call.accepted, out.begin_object().key("name").value(*call.name).key("arguments"));
    out.end_object();
  }
  if (calls.size() > 1) out.end_array();
  return out.text();
}

}  // namespace kvx::inline v0
