# Usage: alone.sh COMPILER FLAGS...   Compiles each kvx header by itself.
set -eu
find kvx -name '*.hpp' | xargs -n 1 -P "$(nproc)" "$@" -fsyntax-only -w -x c++
