# Usage: pkg_config.sh COMPILER SOURCE   Builds and runs SOURCE with the flags that pkg-config has for kvx.
set -eu
"$1" -std=c++20 $(pkg-config --cflags kvx) "$2" -o consumer_pkg_config $(pkg-config --libs kvx)
./consumer_pkg_config
