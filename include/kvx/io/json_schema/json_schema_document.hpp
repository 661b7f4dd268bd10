#pragma once

#include <kvx/core/error.hpp>
#include <kvx/io/json/json.hpp>
#include <kvx/io/json/json_tree.hpp>
#include <kvx/io/json_schema/json_schema_draft.hpp>
#include <kvx/io/json_schema/uri.hpp>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace kvx::inline v0 {

namespace detail {

/// A schema that finds the targets of its references: JSON pointers, `$id`s, fragments of `$id`s, and anchors. No other
/// document is fetched. Of parts with the same URI, the first is the target. Throws Error if a part declares another
/// draft than the whole.
class SchemaDocument {
 public:
  SchemaDocument(const JsonTree& root, std::string where) : where_(std::move(where)), draft_(draft_of(root, where_)) {
    add(root, "", 0);
  }

  SchemaDraft draft() const { return draft_; }

  /// Follows the references at `node` to a schema. Draft 7 ignores the siblings of a reference. Later drafts check
  /// them, so a reference with siblings is returned as a schema.
  const JsonTree& resolve(const JsonTree& node) const {
    const JsonTree* schema = &node;
    for (int hops = 0; hops < kMaxHops; ++hops) {
      if (schema->find("$ref") == nullptr || (draft_ != SchemaDraft::draft7 && schema->object()->size() > 1))
        return *schema;
      schema = &target(*schema);
    }
    throw Error(where_, "expected at most " + std::to_string(kMaxHops) + " references in a chain, found more");
  }

  /// The target of an object's `$ref`.
  const JsonTree& target(const JsonTree& node) const {
    const JsonTree& reference = *node.find("$ref");
    if (reference.string() == nullptr)
      throw Error(where_, "expected $ref to be a string, found " + std::string(reference.type()));
    const auto base = bases_.find(&node);
    return find(base == bases_.end() ? "" : base->second, *reference.string());
  }

 private:
  static constexpr int kMaxHops = 100;

  void add(const JsonTree& node, std::string base, int depth) {
    if (depth == kMaxDepth)
      throw Error(where_, "expected at most " + std::to_string(kMaxDepth) + " levels of nesting, found more");
    const JsonTree *id = node.find("$id"), *draft = node.find("$schema");
    if (depth > 0 && draft != nullptr && draft->string() != nullptr && draft_of(node, where_) != draft_)
      throw Error(where_, "$schema: expected one draft in all parts of a schema, found also " +
                              shortened(*draft->string(), 100));
    if (depth == 0) targets_.emplace(base, &node);
    const bool ignores_id = draft_ == SchemaDraft::draft7 && node.find("$ref") != nullptr;
    if (id != nullptr && id->string() != nullptr && !ignores_id) {
      const std::string uri = resolved_uri(base, *id->string());
      targets_.emplace(uri.ends_with('#') ? uri.substr(0, uri.size() - 1) : uri, &node);
      base = uri.substr(0, uri.find('#'));
    }
    if (draft_ != SchemaDraft::draft7)
      for (const char* anchor : {"$anchor", "$dynamicAnchor"})
        if (const JsonTree* name = node.find(anchor); name != nullptr && name->string() != nullptr)
          targets_.emplace(base + "#" + *name->string(), &node);
    if (node.object() != nullptr) {
      bases_.emplace(&node, base);
      for (const auto& [name, value] : *node.object())
        if (name != "enum" && name != "const") add(value, base, depth + 1);
    } else if (node.array() != nullptr) {
      for (const auto& element : *node.array()) add(element, base, depth + 1);
    }
  }

  const JsonTree& find(const std::string& base, const std::string& reference) const {
    const std::string uri = resolved_uri(base, reference);
    const std::size_t hash = std::min(uri.find('#'), uri.size());
    const std::string fragment = percent_decoded(std::string_view(uri).substr(std::min(hash + 1, uri.size())));
    const bool is_pointer = fragment.empty() || fragment.front() == '/';
    const auto found = targets_.find(is_pointer ? uri.substr(0, hash) : uri);
    const JsonTree* node = found == targets_.end() ? nullptr : found->second;
    for (std::size_t begin = 1; is_pointer && node != nullptr && begin <= fragment.size();) {
      const std::size_t end = std::min(fragment.find('/', begin), fragment.size());
      node = step(*node, std::string_view(fragment).substr(begin, end - begin));
      begin = end + 1;
    }
    if (node == nullptr) throw Error(where_, "$ref " + shortened(reference, 100) + ": the schema has no such target");
    return *node;
  }

  /// The child of `node` that one token of a JSON pointer names; nullptr if there is none.
  static const JsonTree* step(const JsonTree& node, std::string_view token) {
    std::string name;
    for (std::size_t i = 0; i < token.size(); ++i) {
      const std::string_view two = token.substr(i, 2);
      name += two == "~0" ? '~' : two == "~1" ? '/' : token[i];
      if (two == "~0" || two == "~1") ++i;
    }
    if (node.array() == nullptr) return node.find(name);
    std::size_t index = 0;
    const auto [end, code] = std::from_chars(name.data(), name.data() + name.size(), index);
    const bool number = code == std::errc() && end == name.data() + name.size();
    return number && index < node.array()->size() ? &(*node.array())[index] : nullptr;
  }

  static std::string percent_decoded(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
      unsigned char byte = 0;
      const char* digits = text.data() + i + 1;
      if (text[i] == '%' && i + 2 < text.size() && std::from_chars(digits, digits + 2, byte, 16).ptr == digits + 2) {
        out += static_cast<char>(byte);
        i += 2;
      } else {
        out += text[i];
      }
    }
    return out;
  }

  static constexpr int kMaxDepth = 256;

  std::string where_;
  SchemaDraft draft_;
  std::map<std::string, const JsonTree*> targets_;
  std::map<const JsonTree*, std::string> bases_;  // the base URI for the references in an object
};

}  // namespace detail

}  // namespace kvx::inline v0
