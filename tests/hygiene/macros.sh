# Usage: macros.sh COMPILER FLAGS...   Names each macro that a kvx header defines and does not take back.
set -eu
source=$(echo '#include <kvx/kvx.hpp>' | "$@" -E -dD -x c++ -)
left=$(echo "$source" | awk '
  /^# [0-9]+ "/ { ours = $3 ~ /\/kvx\// }
  /^#define / && ours { sub(/\(.*/, "", $2); left[$2] }
  /^#undef / { delete left[$2] }
  END { for (name in left) print name }')
if [ -n "$left" ]; then
  echo "macros that leave kvx headers:" $left
  exit 1
fi
