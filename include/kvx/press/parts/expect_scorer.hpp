#pragma once

#include <kvx/core/error.hpp>
#include <kvx/press/policy.hpp>

#include <string>
#include <string_view>

namespace kvx::inline v0::detail {

/// A policy's written form, or its name if it has no written form.
template <class P>
std::string written_name(const P& policy) {
  if constexpr (requires { policy.written(); })
    return policy.written();
  else
    return std::string(P::name);
}

/// Throws Error, for the adapter named `press`, unless `as_expected`. The message says that a press that `expected`,
/// such as "only scores", was expected, and names `inner`.
template <class P>
void expect_inner(std::string_view press, const P& inner, bool as_expected, std::string_view expected) {
  if (as_expected) return;
  throw Error(press, "expected a press that " + std::string(expected) + ", found " + written_name(inner));
}

/// Throws Error unless `inner` only scores.
template <class P>
void expect_only_scores(std::string_view press, const P& inner) {
  expect_inner(press, inner, Hooks(inner).traits().only_scores(), "only scores");
}

}  // namespace kvx::inline v0::detail
