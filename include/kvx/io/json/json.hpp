#pragma once

#include <kvx/core/error.hpp>
#include <kvx/io/file_kind.hpp>
#include <kvx/io/json/python_numbers.hpp>
#include <kvx/io/mapped_file.hpp>

#include <simdjson.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace kvx::inline v0 {

namespace detail {

/// `text` for an error message. A longer one is cut to about `max_bytes` bytes, not within a character, and gets "...".
inline std::string shortened(std::string_view text, std::size_t max_bytes) {
  std::string line(text.substr(0, max_bytes));
  if (text.size() > max_bytes) {
    while (!line.empty() && (line.back() & 0xc0) == 0x80) line.pop_back();  // a character may have been cut
    if (!line.empty() && (line.back() & 0x80) != 0) line.pop_back();
    line += "...";
  }
  return line;
}

}  // namespace detail

/// One value of a JsonDocument. It knows its path in the document, so that an error about its type names file and
/// field. Valid while the document lives.
class JsonValue {
 public:
  using Element = simdjson::dom::element;

  JsonValue(Element element, std::string where) : element_(element), where_(std::move(where)) {}

  /// "FILE: field a.b[3]", for errors about this value.
  const std::string& where() const { return where_; }
  Element element() const { return element_; }

  bool is_null() const { return element_.is_null(); }
  bool is_array() const { return element_.is_array(); }
  bool is_object() const { return element_.is_object(); }
  bool is_string() const { return element_.is_string(); }

  bool boolean() const { return get<bool>("a boolean"); }
  double number() const { return get<double>("a number"); }
  std::int64_t integer() const { return get<std::int64_t>("an integer"); }
  /// An integer, which may be written with a decimal point, such as 4096.0.
  std::int64_t whole() const {
    double value = 0;
    if (element_.is_double() && element_.get(value) == simdjson::SUCCESS && std::trunc(value) == value &&
        std::abs(value) < 0x1p53)
      return static_cast<std::int64_t>(value);
    return integer();
  }
  std::string_view string() const { return get<std::string_view>("a string"); }
  simdjson::dom::array array() const { return get<simdjson::dom::array>("an array"); }
  simdjson::dom::object object() const { return get<simdjson::dom::object>("an object"); }

  /// The member `name` of an object; throws Error if it is missing or null.
  JsonValue at(std::string_view name) const {
    if (auto value = find(name)) return *value;
    throw Error(where_, std::string("missing field ").append(name));
  }
  /// The member `name` of an object; nullopt if it is missing or null. If a name is repeated, its last member is
  /// returned, as in Python.
  std::optional<JsonValue> find(std::string_view name) const {
    std::optional<Element> found;
    for (const auto [key, value] : object())
      if (key == name) found = value;
    if (!found || found->is_null()) return std::nullopt;
    return member(name, *found);
  }
  /// Calls f(name, value) for each member, in the file's order.
  template <class F>
  void each_member(F&& f) const {
    for (const auto [name, value] : object()) f(name, member(name, value));
  }
  /// Calls f(value) for each element.
  template <class F>
  void each_element(F&& f) const {
    std::size_t i = 0;
    for (const Element value : array()) f(JsonValue(value, where_ + "[" + std::to_string(i++) + "]"));
  }

  /// Throws Error, which says what was expected and shows this value.
  [[noreturn]] void fail(std::string_view expected) const {
    throw Error(where_, std::string("expected ").append(expected).append(", found ") +
                            detail::shortened(simdjson::minify(element_), 60));
  }

 private:
  template <class T>
  T get(std::string_view expected) const {
    T value;
    if (element_.get(value) != simdjson::SUCCESS) fail(expected);
    return value;
  }
  JsonValue member(std::string_view name, Element value) const {
    const bool top = where_.find(": field ") == std::string::npos;
    std::string shown = detail::shortened(name, 100);
    std::ranges::replace_if(
        shown, [](char c) { return static_cast<unsigned char>(c) < ' '; }, '?');  // errors are one line
    return {value, where_ + (top ? ": field " : ".") + shown};
  }

  Element element_;
  std::string where_;
};

/// A parsed JSON text. Its values are valid while the document lives.
class JsonDocument {
 public:
  /// Reads and parses a whole file; throws Error if it is missing or not JSON.
  static JsonDocument load(const std::string& path) { return parse(MappedFile(path).text(), path); }

  /// The same for a file that Python's json module wrote: numbers of any size, NaN and infinities are errors only if
  /// they are read.
  static JsonDocument load_python(const std::string& path) {
    const MappedFile file(path);
    try {
      return parse(file.text(), path);
    } catch (const Error&) {
      const std::string plain = detail::plain_json_numbers(file.text());
      if (plain == file.text()) throw;
      return parse(plain, path);
    }
  }

  /// Parses `text`; errors name it as `where`. Throws Error if it is not JSON.
  static JsonDocument parse(std::string_view text, std::string where) {
    JsonDocument document;
    JsonValue::Element root;
    const auto code = document.parser_->parse(simdjson::padded_string(text)).get(root);
    if (code != simdjson::SUCCESS) {
      const std::string_view kind = detail::file_kind(text);
      throw Error(where, std::string("not valid JSON: ") +
                             (kind.empty() ? simdjson::error_message(code) : std::string("found ").append(kind)));
    }
    document.root_ = std::make_unique<JsonValue>(root, std::move(where));
    return document;
  }

  const JsonValue& root() const { return *root_; }

 private:
  JsonDocument() : parser_(std::make_unique<simdjson::dom::parser>()) {}

  std::unique_ptr<simdjson::dom::parser> parser_;  // a pointer, because moving a parser invalidates its elements
  std::unique_ptr<JsonValue> root_;
};

}  // namespace kvx::inline v0
