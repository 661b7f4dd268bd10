#pragma once

#include <kvx/io/json/json_number.hpp>

#include <algorithm>
#include <compare>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace kvx::inline v0 {

class JsonTree;

/// A member of an object. It is a template because JsonTree, the type of its value, is still incomplete here.
template <class Tree>
struct BasicJsonMember {
  std::string name;
  Tree value;
};
using JsonMember = BasicJsonMember<JsonTree>;

/// A JSON value that owns its contents. Like the values of Python's json.loads it can hold any number (JsonNumber) and
/// lone surrogates (three bytes of generalized UTF-8 each). Members are sorted by name; if a name is repeated, only its
/// last member is kept.
class JsonTree {
 public:
  using Array = std::vector<JsonTree>;
  using Object = std::vector<JsonMember>;

  JsonTree() = default;  ///< null
  explicit JsonTree(bool value) : value_(value) {}
  explicit JsonTree(JsonNumber value) : value_(std::move(value)) {}
  explicit JsonTree(std::string value) : value_(std::move(value)) {}
  explicit JsonTree(const char* value) : value_(std::string(value)) {}
  explicit JsonTree(Array elements) : value_(std::move(elements)) {}
  explicit JsonTree(Object members);

  bool is_null() const { return std::holds_alternative<std::monostate>(value_); }
  /// The value, or nullptr if it is of another type.
  const bool* boolean() const { return std::get_if<bool>(&value_); }
  const JsonNumber* number() const { return std::get_if<JsonNumber>(&value_); }
  const std::string* string() const { return std::get_if<std::string>(&value_); }
  const Array* array() const { return std::get_if<Array>(&value_); }
  const Object* object() const { return std::get_if<Object>(&value_); }

  /// The member `name`; nullptr if it is missing or this is not an object.
  const JsonTree* find(std::string_view name) const;

  /// The type for an error message, such as "a string".
  std::string_view type() const {
    constexpr std::string_view kNames[] = {"null", "a boolean", "a number", "a string", "an array", "an object"};
    return kNames[value_.index()];
  }

  /// A total order by value, in which 1 equals 1.0. If `bool_is_number`, a boolean is the number 0 or 1, as in Python.
  static std::weak_ordering order(const JsonTree& a, const JsonTree& b, bool bool_is_number = false);

  /// Python's ==: `1 == 1.0 == True`.
  friend bool python_equal(const JsonTree& a, const JsonTree& b) { return order(a, b, true) == 0; }
  /// JSON Schema's equality: 1 equals 1.0 and differs from true.
  friend bool operator==(const JsonTree& a, const JsonTree& b) { return order(a, b) == 0; }

 private:
  std::variant<std::monostate, bool, JsonNumber, std::string, Array, Object> value_;
};

inline JsonTree::JsonTree(Object members) {
  std::stable_sort(members.begin(), members.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  std::size_t kept = 0;
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (i + 1 < members.size() && members[i].name == members[i + 1].name) continue;
    if (kept != i) members[kept] = std::move(members[i]);
    ++kept;
  }
  members.resize(kept);
  value_ = std::move(members);
}

inline const JsonTree* JsonTree::find(std::string_view name) const {
  if (object() == nullptr) return nullptr;
  const auto found = std::lower_bound(object()->begin(), object()->end(), name,
                                      [](const JsonMember& member, std::string_view n) { return member.name < n; });
  return found != object()->end() && found->name == name ? &found->value : nullptr;
}

inline std::weak_ordering JsonTree::order(const JsonTree& a, const JsonTree& b, bool bool_is_number) {
  const auto number_of_bool = [&](const JsonTree& tree) {
    return bool_is_number && tree.boolean() != nullptr ? JsonTree(JsonNumber(std::size_t{*tree.boolean()}))
                                                       : JsonTree();
  };
  if (const JsonTree number = number_of_bool(a); !number.is_null()) return order(number, b, true);
  if (const JsonTree number = number_of_bool(b); !number.is_null()) return order(a, number, true);
  if (a.value_.index() != b.value_.index()) return a.value_.index() <=> b.value_.index();
  if (a.boolean() != nullptr) return *a.boolean() <=> *b.boolean();
  if (a.number() != nullptr) return *a.number() <=> *b.number();
  if (a.string() != nullptr) return *a.string() <=> *b.string();
  const auto by_element = [&](const auto& x, const auto& y, auto compare) {
    if (x.size() != y.size()) return std::weak_ordering(x.size() <=> y.size());
    for (std::size_t i = 0; i < x.size(); ++i)
      if (const std::weak_ordering found = compare(x[i], y[i]); found != 0) return found;
    return std::weak_ordering::equivalent;
  };
  if (a.array() != nullptr)
    return by_element(*a.array(), *b.array(),
                      [&](const auto& x, const auto& y) { return order(x, y, bool_is_number); });
  if (a.object() == nullptr) return std::weak_ordering::equivalent;  // null
  return by_element(*a.object(), *b.object(), [&](const JsonMember& x, const JsonMember& y) {
    const std::weak_ordering names = x.name <=> y.name;
    return names != 0 ? names : order(x.value, y.value, bool_is_number);
  });
}

}  // namespace kvx::inline v0
