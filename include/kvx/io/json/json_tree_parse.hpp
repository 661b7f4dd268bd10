#pragma once

#include <kvx/io/json/json_number.hpp>
#include <kvx/io/json/json_tokens.hpp>
#include <kvx/io/json/json_tree.hpp>

#include <simdjson.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace kvx::inline v0 {

namespace detail {

/// Reads a value from a text that ends at `end`; nullopt if it is not JSON or is nested deeper than `depth`.
inline std::optional<JsonTree> read_json(simdjson::ondemand::value value, const char* end, int depth) {
  std::string_view token = value.raw_json_token();  // includes white space before the next token
  const char first = token.empty() ? '\0' : token.front();
  if ((first == '[' || first == '{') && depth == 0) return std::nullopt;
  if (first == '[') {
    simdjson::ondemand::array array;
    JsonTree::Array elements;
    if (value.get_array().get(array) != simdjson::SUCCESS) return std::nullopt;
    for (auto next : array) {
      simdjson::ondemand::value element;
      if (next.get(element) != simdjson::SUCCESS) return std::nullopt;
      auto tree = read_json(element, end, depth - 1);
      if (!tree) return std::nullopt;
      elements.push_back(std::move(*tree));
    }
    return JsonTree(std::move(elements));
  }
  if (first == '{') {
    simdjson::ondemand::object object;
    JsonTree::Object members;
    if (value.get_object().get(object) != simdjson::SUCCESS) return std::nullopt;
    for (auto next : object) {
      simdjson::ondemand::field field;
      if (std::move(next).get(field) != simdjson::SUCCESS) return std::nullopt;
      const char* raw = field.key().raw();
      std::string_view key(raw, static_cast<std::size_t>(end - raw));
      auto name = take_json_string(key);
      auto tree = name ? read_json(field.value(), end, depth - 1) : std::nullopt;
      if (!tree) return std::nullopt;
      members.push_back({std::move(*name), std::move(*tree)});
    }
    return JsonTree(std::move(members));
  }
  token = token.substr(0, token.find_last_not_of(" \t\n\r") + 1);
  if (first == '"') {
    simdjson::ondemand::raw_json_string raw;  // consumed here: skipping it would also skip a colon after it
    if (value.get_raw_json_string().get(raw) != simdjson::SUCCESS) return std::nullopt;
    token.remove_prefix(1);
    auto text = take_json_string(token);
    if (!text || !token.empty()) return std::nullopt;
    return JsonTree(std::move(*text));
  }
  if (token == "null") return JsonTree();
  if (token == "true" || token == "false") return JsonTree(token == "true");
  if (is_json_number(token) || token == "NaN" || token == "Infinity" || token == "-Infinity")
    return JsonTree(JsonNumber(std::string(token)));
  return std::nullopt;
}

}  // namespace detail

/// The deepest nesting of arrays and objects that parse_json accepts.
inline constexpr int kJsonDepth = 512;

/// Parses one JSON text. Like Python's json.loads it accepts NaN and Infinity. Returns nullopt if the text is not valid
/// JSON or UTF-8, or is nested deeper than kJsonDepth.
inline std::optional<JsonTree> parse_json(std::string_view text) {
  if (text.size() >= simdjson::SIMDJSON_MAXSIZE_BYTES - simdjson::SIMDJSON_PADDING) return std::nullopt;
  std::string padded;
  padded.reserve(text.size() + 2 + simdjson::SIMDJSON_PADDING);
  padded.append("[").append(text).append("]");  // in an array, a single number or string is a value like any other
  const std::size_t size = padded.size();
  padded.append(simdjson::SIMDJSON_PADDING, ' ');
  simdjson::ondemand::parser parser;
  simdjson::ondemand::document document;
  simdjson::ondemand::array array;
  if (parser.iterate(padded.data(), size, padded.size()).get(document) != simdjson::SUCCESS) return std::nullopt;
  if (document.get_array().get(array) != simdjson::SUCCESS) return std::nullopt;
  std::optional<JsonTree> result;
  for (auto next : array) {
    simdjson::ondemand::value value;
    if (result || next.get(value) != simdjson::SUCCESS) return std::nullopt;
    if (!(result = detail::read_json(value, padded.data() + size, kJsonDepth))) return std::nullopt;
  }
  return document.current_location().error() == simdjson::OUT_OF_BOUNDS ? std::move(result) : std::nullopt;
}

}  // namespace kvx::inline v0
