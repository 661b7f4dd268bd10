#pragma once

#include <kvx/io/json/json_tree.hpp>

// Without exceptions, valijson ends the program when it reads a bad schema.
#if !defined(VALIJSON_USE_EXCEPTIONS) || !VALIJSON_USE_EXCEPTIONS
#error "kvx needs valijson with exceptions: compile everything that includes it with VALIJSON_USE_EXCEPTIONS=1"
#endif

#include <valijson/internal/adapter.hpp>
#include <valijson/internal/basic_adapter.hpp>
#include <valijson/internal/frozen_value.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

namespace kvx::inline v0 {

class JsonTreeAdapter;

namespace detail {

using AdaptedMember = std::pair<std::string, JsonTreeAdapter>;

/// Walks the elements of an array or, as pairs, the members of an object.
template <class Node, class Value>
class AdaptedIterator {
 public:
  using iterator_category = std::bidirectional_iterator_tag;
  using value_type = Value;
  using difference_type = std::ptrdiff_t;
  using pointer = Value*;
  using reference = Value;

  explicit AdaptedIterator(const Node* node) : node_(node) {}

  Value operator*() const;
  valijson::adapters::DerefProxy<Value> operator->() const { return valijson::adapters::DerefProxy<Value>(**this); }
  bool operator==(const AdaptedIterator& other) const = default;
  AdaptedIterator& operator++() {
    ++node_;
    return *this;
  }
  AdaptedIterator operator++(int) { return AdaptedIterator(node_++); }
  AdaptedIterator& operator--() {
    --node_;
    return *this;
  }
  void advance(std::ptrdiff_t count) { node_ += count; }

 private:
  const Node* node_;
};

/// The elements of an array or the members of an object.
template <class Nodes, class Value>
class AdaptedNodes {
 public:
  using const_iterator = AdaptedIterator<typename Nodes::value_type, Value>;
  using iterator = const_iterator;

  AdaptedNodes() = default;
  explicit AdaptedNodes(const Nodes& nodes) : begin_(nodes.data()), size_(nodes.size()) {}

  const_iterator begin() const { return const_iterator(begin_); }
  const_iterator end() const { return const_iterator(begin_ + size_); }
  std::size_t size() const { return size_; }
  const_iterator find(const std::string& name) const {  // members are sorted by name
    const auto* found =
        std::lower_bound(begin_, begin_ + size_, name, [](const auto& m, const auto& n) { return m.name < n; });
    return found != begin_ + size_ && found->name == name ? const_iterator(found) : end();
  }

 private:
  const typename Nodes::value_type* begin_ = nullptr;
  std::size_t size_ = 0;
};

using AdaptedArray = AdaptedNodes<JsonTree::Array, JsonTreeAdapter>;
using AdaptedObject = AdaptedNodes<JsonTree::Object, AdaptedMember>;

/// The functions that valijson calls on a value, for a tree that the caller owns.
class AdaptedValue {
 public:
  explicit AdaptedValue(const JsonTree& tree) : tree_(&tree) {}

  valijson::adapters::FrozenValue* freeze() const;

  bool isNull() const { return tree_->is_null(); }
  bool isBool() const { return tree_->boolean() != nullptr; }
  bool isInteger() const { return tree_->number() != nullptr && tree_->number()->is_whole(); }
  bool isDouble() const { return tree_->number() != nullptr && !tree_->number()->is_whole(); }
  bool isNumber() const { return tree_->number() != nullptr; }
  bool isString() const { return tree_->string() != nullptr; }
  bool isArray() const { return tree_->array() != nullptr; }
  bool isObject() const { return tree_->object() != nullptr; }
  static bool hasStrictTypes() { return true; }

  bool getBool(bool& result) const { return isBool() && (result = *tree_->boolean(), true); }
  bool getDouble(double& result) const { return isNumber() && (result = tree_->number()->value(), true); }
  bool getInteger(std::int64_t& result) const {
    if (!isInteger()) return false;
    const double value = tree_->number()->value();
    if (!(value >= -0x1p53 && value <= 0x1p53)) return false;  // valijson reads only counts, which are smaller
    result = static_cast<std::int64_t>(value);
    return true;
  }
  bool getString(std::string& result) const { return isString() && (result = *tree_->string(), true); }
  bool getArraySize(std::size_t& result) const { return isArray() && (result = tree_->array()->size(), true); }
  bool getObjectSize(std::size_t& result) const { return isObject() && (result = tree_->object()->size(), true); }
  std::optional<AdaptedArray> getArrayOptional() const {
    return isArray() ? std::optional<AdaptedArray>(AdaptedArray(*tree_->array())) : std::nullopt;
  }
  std::optional<AdaptedObject> getObjectOptional() const {
    return isObject() ? std::optional<AdaptedObject>(AdaptedObject(*tree_->object())) : std::nullopt;
  }

 private:
  const JsonTree* tree_;
};

}  // namespace detail

/// Lets valijson read a JsonTree. Valid while the tree lives.
class JsonTreeAdapter
    : public valijson::adapters::BasicAdapter<JsonTreeAdapter, detail::AdaptedArray, detail::AdaptedMember,
                                              detail::AdaptedObject, detail::AdaptedValue> {
 public:
  JsonTreeAdapter(const JsonTree& tree) : BasicAdapter(detail::AdaptedValue(tree)), tree_(&tree) {}

  const JsonTree& tree() const { return *tree_; }

 private:
  const JsonTree* tree_;
};

namespace detail {

template <class Node, class Value>
Value AdaptedIterator<Node, Value>::operator*() const {
  if constexpr (std::is_same_v<Node, JsonMember>) {
    return {node_->name, JsonTreeAdapter(node_->value)};
  } else {
    return JsonTreeAdapter(*node_);
  }
}

/// A copy of a value that remains valid when its tree is gone.
class FrozenTree : public valijson::adapters::FrozenValue {
 public:
  explicit FrozenTree(JsonTree tree) : tree_(std::move(tree)) {}
  FrozenValue* clone() const override { return new FrozenTree(tree_); }
  bool equalTo(const valijson::adapters::Adapter& other, bool strict) const override {
    return JsonTreeAdapter(tree_).equalTo(other, strict);
  }

 private:
  JsonTree tree_;
};

inline valijson::adapters::FrozenValue* AdaptedValue::freeze() const { return new FrozenTree(*tree_); }

}  // namespace detail

}  // namespace kvx::inline v0

namespace valijson::adapters {

template <>
struct AdapterTraits<kvx::JsonTreeAdapter> {
  using DocumentType = kvx::JsonTree;
};

}  // namespace valijson::adapters
