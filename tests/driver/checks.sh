# Functions for the driver tests. A script sets `program` and `driver` before it reads this file, and exits with $failed.
failed=0
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

fail() { # fail WHAT EXPECTED FOUND
  printf '%s: %s\n  expected %s\n  found %s\n' "$driver" "$1" "$2" "$3"
  failed=1
}
equals() { [ "$2" = "$3" ] || fail "$@"; }                                    # equals WHAT EXPECTED FOUND
matches() { printf '%s\n' "$3" | grep -qE -- "$2" || fail "$1" "/$2/" "$3"; } # matches WHAT PATTERN FOUND
refuse() {                                                                    # refuse CODE PATTERN ARGUMENT...
  code=$1 pattern=$2
  shift 2
  output=$("$program" "$@" 2>"$scratch/log")
  equals "exit code of: $*" "$code" $?
  equals "stdout of: $*" "" "$output"
  equals "lines on stderr of: $*" 1 "$(awk 'END { print NR }' "$scratch/log")"
  matches "stderr of: $*" "^$driver: $pattern" "$(cat "$scratch/log")"
}
