#pragma once

/// Cache and presses: what another engine includes. Needs Eigen and nothing else. A program that names presses at run time
/// includes kvx/press/registry.hpp as well.

// IWYU pragma: begin_exports
#include <kvx/cache/compact.hpp>
#include <kvx/cache/kv_cache.hpp>
#include <kvx/core/error.hpp>
#include <kvx/press/policies.hpp>
#include <kvx/press/press.hpp>
// IWYU pragma: end_exports
