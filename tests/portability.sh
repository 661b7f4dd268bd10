#!/bin/sh
# What one machine's CPU and compiler do not show: 64-bit ARM under qemu, Clang, and GCC's warnings as errors. Builds in
# build/aarch64, build/clang and build/dev. Needs the Debian packages g++-aarch64-linux-gnu, qemu-user-static, clang-15.
set -eu
cd "$(dirname "$0")/.."
mkdir -p build
log=build/portability.log
: >$log

quietly() { # quietly COMMAND...: prints the end of the log where the command fails
  "$@" >>$log 2>&1 || { tail -n 60 $log >&2; echo "portability: failed, all of it is in $log" >&2; exit 1; }
}
suites() { # suites FOLDER [cmake option...]: builds and runs tests/portable
  folder=$1
  shift
  quietly cmake -S tests/portable -B "$folder" "$@"
  quietly cmake --build "$folder" --parallel "$(nproc)"
  ctest --test-dir "$folder" --parallel "$(nproc)" --output-on-failure --no-tests=error
}

echo "portability: aarch64"
suites build/aarch64 --toolchain "$PWD/cmake/aarch64.cmake"

echo "portability: Clang"
suites build/clang -DCMAKE_C_COMPILER=clang-15 -DCMAKE_CXX_COMPILER=clang++-15
check="clang++-15 -std=c++20 -DVALIJSON_USE_EXCEPTIONS=1 -Iinclude -isystem /usr/include/eigen3 -fsyntax-only"
(cd include && find kvx -name '*.hpp') | sed 's/.*/#include <&>/' >build/every_header.cpp
quietly $check build/every_header.cpp
for golden in tests/cache/quantize_golden_test.cpp tests/press/golden_test.cpp; do
  quietly $check -Itests "-DKVX_SOURCE_DIR=\"$PWD\"" "$golden"
done

echo "portability: GCC's warnings"
quietly cmake --preset dev
quietly cmake --build --preset dev --parallel "$(nproc)"
