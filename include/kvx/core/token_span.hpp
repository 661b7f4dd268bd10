#pragma once

#include <kvx/core/tensor_view.hpp>

namespace kvx::inline v0 {

/// Tokens [first, last) of a context.
struct TokenSpan {
  Index first = 0, last = 0;

  Index size() const { return last - first; }
  friend bool operator==(const TokenSpan&, const TokenSpan&) = default;
};

}  // namespace kvx::inline v0
