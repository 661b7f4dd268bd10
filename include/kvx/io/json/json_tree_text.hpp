#pragma once

#include <kvx/io/json/json_tree.hpp>
#include <kvx/io/json/json_writer.hpp>

namespace kvx::inline v0 {

/// Writes a tree as JSON; its numbers keep their digits.
inline void write_json(const JsonTree& tree, JsonWriter& out) {
  if (tree.object() != nullptr) {
    out.begin_object();
    for (const JsonMember& member : *tree.object()) write_json(member.value, out.key(member.name));
    out.end_object();
  } else if (tree.array() != nullptr) {
    out.begin_array();
    for (const JsonTree& element : *tree.array()) write_json(element, out);
    out.end_array();
  } else if (tree.string() != nullptr) {
    out.value(*tree.string());
  } else if (tree.number() != nullptr) {
    out.raw(tree.number()->digits());
  } else if (tree.boolean() != nullptr) {
    out.value(*tree.boolean());
  } else {
    out.null();
  }
}

}  // namespace kvx::inline v0
