#pragma once

// To be included by a program that links kvx::compiled: it declares the code that the library contains, so that the
// program does not generate the code again.
#include <kernels_once.hpp>
#include <presses_once.hpp>
#include <schemas_once.hpp>
