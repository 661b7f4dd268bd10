#pragma once

/// Presses for another engine's cache. Also include the header of the policy that you use, such as
/// kvx/press/snapkv.hpp, or, to choose policies by name at run time, kvx/press/named/policies.hpp. These headers need
/// only Eigen.

// IWYU pragma: begin_exports
#include <kvx/cache/compact.hpp>
#include <kvx/core/error.hpp>
#include <kvx/press/press.hpp>
// IWYU pragma: end_exports
