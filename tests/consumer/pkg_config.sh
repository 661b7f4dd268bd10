# Usage: pkg_config.sh COMPILER SOURCE   Builds and runs SOURCE with the flags that pkg-config has for kvx, and looks for
# all headers.
set -eu
flags="-std=c++20 $(pkg-config --cflags kvx)"
"$1" $flags "$2" -o consumer_pkg_config $(pkg-config --libs kvx)
./consumer_pkg_config
echo '#include <kvx/kvx.hpp>' | "$1" $flags -x c++ -M - >/dev/null
