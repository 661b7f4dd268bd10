#pragma once

#include <kvx/io/json/json_tokens.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <string>
#include <string_view>

namespace kvx::inline v0::detail {

/// Rewrites the numbers of a JSON text that Python wrote so that simdjson can read it: integers that may exceed 64 bits
/// get an exponent; NaN, the infinities and numbers too large for a double become strings, which are errors only where
/// a number is read. Everything else is copied, whether or not it is JSON.
inline std::string plain_json_numbers(std::string_view text) {
  constexpr std::string_view kToken = "+-.0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  constexpr std::size_t kSafeDigits = 18;  // always fit into 64 bits
  std::string out;
  for (std::size_t pos = 0; pos < text.size();) {
    if (text[pos] == '"') {
      std::size_t end = pos + 1;
      while (end < text.size() && text[end] != '"') end += text[end] == '\\' ? 2u : 1u;
      end = std::min(end + 1, text.size());
      out += text.substr(pos, end - pos);
      pos = end;
      continue;
    }
    const std::size_t end = std::min(text.find_first_not_of(kToken, pos), text.size());
    const std::string token(text.substr(pos, std::max<std::size_t>(end - pos, 1)));
    pos += token.size();
    const bool number = is_json_number(token), integer = number && token.find_first_of(".eE") == token.npos;
    if (token == "NaN" || token == "Infinity" || token == "-Infinity" ||
        (number && std::isinf(std::strtod(token.c_str(), nullptr))))
      out += '"' + token + '"';
    else
      out += integer && token.size() > kSafeDigits ? token + "e0" : token;
  }
  return out;
}

}  // namespace kvx::inline v0::detail
