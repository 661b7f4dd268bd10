#pragma once

#include <kvx/io/json/json_tree_parse.hpp>

#include <stdexcept>
#include <string>
#include <string_view>

/// The value of a JSON text, which must be valid.
inline kvx::JsonTree json_of(std::string_view text) {
  if (auto tree = kvx::parse_json(text)) return std::move(*tree);
  throw std::invalid_argument("not JSON: " + std::string(text.substr(0, 60)));
}

/// `text` repeated `count` times.
inline std::string repeated(std::string_view text, std::size_t count) {
  std::string result;
  for (std::size_t i = 0; i < count; ++i) result += text;
  return result;
}
