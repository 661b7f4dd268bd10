#pragma once

#include <kvx/core/error.hpp>
#include <kvx/io/json/json_tree.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace kvx::inline v0 {

/// One of the calls that a request requires. Its pointers point into the trees that it was read from.
struct GoldCall {
  const std::string* name;
  const JsonTree* schema;    ///< of the arguments, an object
  const JsonTree* accepted;  ///< an object: for each argument the accepted values; "" means that it may be left out
};

/// Reads the calls in `possible`, [{NAME: {ARGUMENT: [VALUE, ...]}}, ...], of `functions`, [{"name", "parameters"},
/// ...]. Throws Error for arrays of another form and for a call of an unknown function. `field` is the name of
/// `possible` in error messages.
inline std::vector<GoldCall> gold_calls(const JsonTree& functions, const JsonTree& possible,
                                        const std::string& field = "possible") {
  const auto fail = [](const std::string& what, const JsonTree& found) {
    throw Error("sample's answer", what + ", found " + std::string(found.type()));
  };
  if (functions.array() == nullptr) fail("functions: expected an array", functions);
  if (possible.array() == nullptr || possible.array()->empty()) fail(field + ": expected an array of calls", possible);
  std::vector<GoldCall> calls;
  for (const JsonTree& call : *possible.array()) {
    if (call.object() == nullptr || call.object()->size() != 1)
      fail(field + ": expected an object with one member, the name of a function", call);
    const auto& [name, accepted] = call.object()->front();
    if (accepted.object() == nullptr) fail(field + ": " + name + ": expected an object", accepted);
    for (const auto& [argument, values] : *accepted.object())
      if (values.array() == nullptr) fail(field + ": " + name + "." + argument + ": expected an array", values);
    const JsonTree* schema = nullptr;
    for (const JsonTree& function : *functions.array()) {
      const JsonTree* called = function.find("name");
      if (schema == nullptr && called != nullptr && called->string() != nullptr && *called->string() == name)
        schema = function.find("parameters");
    }
    if (schema == nullptr)
      throw Error("sample's answer", "functions: expected a function " + name + " with parameters, found none");
    if (schema->object() == nullptr) fail("functions: " + name + ": parameters: expected an object", *schema);
    calls.push_back({&name, schema, &accepted});
  }
  return calls;
}

}  // namespace kvx::inline v0
