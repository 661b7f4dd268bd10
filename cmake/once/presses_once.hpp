#pragma once

// The code of all presses is generated only once, in presses.cpp, and not in each file that calls kvx_presses().
#include <kvx/press/named/registry.hpp>

#ifndef KVX_ONCE
#define KVX_ONCE extern
#endif

KVX_ONCE template kvx::Registry kvx::v0::kvx_presses<kvx::Policies>();

#undef KVX_ONCE
