# Usage: includes.sh COMPILER FLAGS...   Checks what headers include: no streams, rooms one way, Eigen alone for a press.
# Runs in include/.
set -eu
status=0
refuse() { # refuse WHY PATTERN FOLDER...: no header of the folders may include a path that the pattern matches
  why=$1 pattern="^ *# *include *[<\"]($2)"
  shift 2
  if grep -rnE "$pattern" "$@"; then
    echo "^ $why"
    status=1
  fi
}
refuse "headers do not print" 'iostream>|print>' kvx
refuse "JSON libraries are for io alone" 'simdjson|valijson' $(ls -d kvx/* | grep -v kvx/io)

# What a room may include besides itself and core. A room without a line may not exist.
rooms='
core
kernels
cache kernels
press cache kernels
exec
io
text io exec
model press cache kernels io
score text io exec
eval/records score io
eval/tables eval/records score press/named kernels io
eval/kept eval/tables eval/records score press cache io
eval/speed exec model press cache kernels io
eval/run eval/speed eval/kept eval/tables eval/records score text model press cache kernels io
report/load eval/kept eval/tables eval/records score press/named io
report/charts report/load eval/tables eval/records score press exec io
report/sections report/charts report/load eval/kept eval/tables eval/records score io
report/html report/sections report/charts
report/pages report/html report/sections report/charts report/load eval/kept eval/tables eval/records score text io
'
if find kvx/eval kvx/report -maxdepth 1 -name '*.hpp' | grep .; then
  echo "^ a header outside the rooms of its folder"
  status=1
fi
for folder in $(find kvx -mindepth 1 -type d | sed 's#^kvx/##'); do
  if ! echo "$rooms" | awk -v folder="$folder" '
    NF && (folder == $1 || index(folder, $1 "/") == 1 || index($1, folder "/") == 1) { found = 1 } END { exit !found }'
  then
    echo "$folder: this room has no line in includes.sh"
    status=1
  fi
done
while read -r room others; do
  [ -n "$room" ] || continue
  allowed=$(echo "core $room $others" | tr ' ' '|')
  if grep -rnE '^ *# *include *[<"]kvx/' "kvx/$room" | grep -vE "# *include <kvx/(version\.hpp|($allowed)/)"; then
    echo "^ kvx/$room may include core${others:+ $others} alone"
    status=1
  fi
done <<END
$rooms
END

all=$(printf '#include <%s>\n' kvx/press.hpp kvx/press/named/policies.hpp | "$@" -M -x c++ -)
if echo "$all" | grep -E 'simdjson|valijson|pcre2|utf8proc|/kvx/(io|text|model)/'; then
  echo "^ a press needs more than Eigen"
  status=1
fi
exit $status
