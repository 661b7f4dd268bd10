#pragma once

#include <kvx/core/error.hpp>
#include <kvx/press/policy.hpp>

#include <string>
#include <string_view>

namespace kvx::inline v0::detail {

/// Throws Error, for an adapter named `press`, unless `inner` is as expected.
template <class P>
void expect_inner(std::string_view press, const P& inner, bool as_expected, std::string_view expected) {
  if (as_expected) return;
  std::string found(P::name);
  if constexpr (requires { inner.written(); }) found = inner.written();
  throw Error(press, "expected a press that " + std::string(expected) + ", found " + found);
}

template <class P>
void expect_only_scores(std::string_view press, const P& inner) {
  expect_inner(press, inner, traits(inner).only_scores(), "only scores");
}

}  // namespace kvx::inline v0::detail
