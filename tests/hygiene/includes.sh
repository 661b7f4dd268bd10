# Usage: includes.sh COMPILER FLAGS...   Checks what headers include: no streams, layers one way, Eigen alone for a press.
set -eu
status=0
refuse() { # refuse WHY PATTERN FOLDER...: no header of the folders may include what the pattern matches
  why=$1 pattern="#include <($2)"
  shift 2
  if grep -rnE "$pattern" "$@"; then
    echo "^ $why"
    status=1
  fi
}
refuse "headers do not print" 'iostream>|print>' kvx
refuse "JSON is for io" 'simdjson|valijson' $(ls -d kvx/* | grep -v kvx/io)
refuse "layers: core <- kernels <- cache <- press; core <- io <- text; those <- model" \
  'kvx/(kernels|cache|press|io|text|model|score|eval)/' kvx/core
refuse "a layer above kernels" 'kvx/(cache|press|io|text|model|score|eval)/' kvx/kernels
refuse "a layer above cache" 'kvx/(press|io|text|model|score|eval)/' kvx/cache
refuse "a layer above press" 'kvx/(io|text|model|score|eval)/' kvx/press
refuse "a layer above io" 'kvx/(kernels|cache|press|text|model|score|eval)/' kvx/io
refuse "a layer above text" 'kvx/(kernels|cache|press|model|score|eval)/' kvx/text
refuse "a layer above core" 'kvx/(kernels|cache|press|io|text|model|score|eval)/' kvx/exec
refuse "programs are run by tasks alone" 'kvx/exec/' kvx/core kvx/kernels kvx/cache kvx/press kvx/io kvx/text kvx/model
refuse "a layer above model" 'kvx/(score|eval)/' kvx/model
refuse "a report is what others know nothing of" 'kvx/report/' $(ls -d kvx/* | grep -v -e kvx/report -e kvx/kvx.hpp)

all=$(printf '#include <%s>\n' kvx/press.hpp kvx/press/policies.hpp | "$@" -M -x c++ -)
if echo "$all" | grep -E 'simdjson|valijson|pcre2|utf8proc|/kvx/(io|text|model)/'; then
  echo "^ a press needs more than Eigen"
  status=1
fi
exit $status
