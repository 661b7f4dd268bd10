#pragma once

// The code of all presses is generated once, in presses.cpp, and not wherever a registry is made. Where none is made,
// this header is better not included: it takes five seconds.
#include <kvx/press/registry.hpp>

#include <type_traits>

#ifndef KVX_ONCE
#define KVX_ONCE extern
#endif

KVX_ONCE template void kvx::v0::Registry::add_all(std::type_identity<kvx::Policies>);

#undef KVX_ONCE
