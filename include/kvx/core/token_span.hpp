#pragma once

#include <kvx/core/tensor_view.hpp>

#include <string>
#include <string_view>

namespace kvx::inline v0 {

/// Tokens [first, last) of a context.
struct TokenSpan {
  Index first = 0, last = 0;

  Index size() const { return last - first; }
  friend bool operator==(const TokenSpan&, const TokenSpan&) = default;
};

/// A part of a prompt, such as `instructions`.
struct NamedSpan {
  std::string name;
  TokenSpan tokens;

  friend bool operator==(const NamedSpan&, const NamedSpan&) = default;
};

/// Whether `name` can be the name of a part: only lower-case letters and `_`, but not `all` or `rest`, which tables use
/// for the whole prompt and for tokens outside all parts.
inline bool is_span_name(std::string_view name) {
  return !name.empty() && name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") == name.npos && name != "all" &&
         name != "rest";
}

}  // namespace kvx::inline v0
