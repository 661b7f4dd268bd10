#pragma once

/// What another engine includes, with the header of the policy that it wants, such as kvx/press/snapkv.hpp; a program
/// that names presses at run time includes kvx/press/named/policies.hpp, which has them all. They need Eigen and
/// nothing else.

// IWYU pragma: begin_exports
#include <kvx/cache/compact.hpp>
#include <kvx/core/error.hpp>
#include <kvx/press/press.hpp>
// IWYU pragma: end_exports
