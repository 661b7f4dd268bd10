#pragma once

// What a program that links kvx::compiled includes: it names the code that the library holds, so that the program does
// not generate that code again.
#include <kernels_once.hpp>
#include <presses_once.hpp>
#include <schemas_once.hpp>
