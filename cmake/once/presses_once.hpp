#pragma once

// The code of all presses is generated once, in presses.cpp, and not wherever kvx_presses() is called.
#include <kvx/press/named/registry.hpp>

#ifndef KVX_ONCE
#define KVX_ONCE extern
#endif

KVX_ONCE template kvx::Registry kvx::v0::kvx_presses<kvx::Policies>();

#undef KVX_ONCE
