#pragma once

#include <kvx/core/error.hpp>
#include <kvx/io/json/json.hpp>
#include <kvx/io/json/json_number.hpp>
#include <kvx/io/json/json_tree.hpp>
#include <kvx/score/ifeval/answer_text.hpp>

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// Whether an answer, which is not blank, follows an instruction.
using FollowsInstruction = std::function<bool(const AnswerText&)>;

/// A limit for a number: `at least` or `less than` `count`.
struct Threshold {
  bool at_least = true;
  std::size_t count = 0;

  bool holds(std::size_t found) const { return at_least ? found >= count : found < count; }
};

/// The parameters of one instruction, an object of a sample's kwargs. A null counts as missing. All functions throw
/// Error for a parameter that is missing or of another type.
class InstructionParameters {
 public:
  InstructionParameters(const JsonTree& members, std::string instruction)
      : members_(members), instruction_(std::move(instruction)) {
    if (members.object() == nullptr) fail("kwargs", "an object", std::string(members.type()));
  }

  /// The instruction's id with the name of a parameter, for an Error about it.
  std::string where(std::string_view name) const {
    return "sample's answer: " + instruction_ + ": " + std::string(name);
  }

  std::size_t count(const char* name) const {
    const JsonTree& value = at(name, "a whole number of 0 or more");
    const JsonNumber* number = value.number();
    constexpr double kMaxCount = 1e9;
    if (number == nullptr || !number->is_whole() || number->value() < 0 || number->value() > kMaxCount)
      fail(name, "a whole number of 0 or more",
           number == nullptr ? std::string(value.type()) : detail::shortened(number->digits(), 40));
    return static_cast<std::size_t>(number->value());
  }
  /// A text that is not empty.
  const std::string& text(const char* name) const { return text_of(at(name, "a text"), name); }
  std::vector<std::string> texts(const char* name) const {
    const JsonTree& value = at(name, "an array of texts");
    if (value.array() == nullptr || value.array()->empty())
      fail(name, "an array of texts", value.array() == nullptr ? std::string(value.type()) : "an empty one");
    std::vector<std::string> texts;
    for (const JsonTree& element : *value.array()) texts.push_back(text_of(element, name));
    return texts;
  }
  Threshold threshold(const char* count_name, const char* relation_name) const {
    const std::string& relation = text(relation_name);
    if (relation != "at least" && relation != "less than")
      fail(relation_name, "\"at least\" or \"less than\"", "\"" + detail::shortened(relation, 40) + "\"");
    return {relation == "at least", count(count_name)};
  }

  /// Throws Error for a parameter with an invalid value.
  [[noreturn]] void fail(std::string_view name, const std::string& expected, const std::string& found) const {
    throw Error(where(name), "expected " + expected + ", found " + found);
  }

 private:
  const JsonTree& at(const char* name, const char* expected) const {
    const JsonTree* value = members_.find(name);
    if (value == nullptr || value->is_null()) fail(name, expected, "none");
    return *value;
  }
  const std::string& text_of(const JsonTree& value, const char* name) const {
    if (value.string() == nullptr || value.string()->empty())
      fail(name, "a text", value.string() == nullptr ? std::string(value.type()) : "an empty one");
    return *value.string();
  }

  const JsonTree& members_;
  std::string instruction_;
};

}  // namespace kvx::inline v0
