#pragma once

#include <kvx/press/allowance.hpp>
#include <kvx/press/any_policy.hpp>

namespace kvx::inline v0 {

/// One press at one setting.
struct Cell {
  AnyPolicy policy;
  Allowance allowance;
};

}  // namespace kvx::inline v0
