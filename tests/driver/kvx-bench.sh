# Usage: kvx-bench.sh PROGRAM   Checks the three output formats, exit codes and one-line errors.
set -u
program=$1 driver=kvx-bench
. "$(dirname "$0")/checks.sh"
bench() { # bench FORMAT: a run of a few tokens
  "$program" --threads 2 -p 16,0,8 -n 4 -d 0,12 -b 1,3 -r 2 -o "$1" 2>"$scratch/log"
  equals "exit code of -o $1" 0 $?
  equals "stderr of -o $1" "" "$(cat "$scratch/log")"
}

tests="pp16 pp8 tg4 tg4 x b3 tg4 @ d12 tg4 @ d12 x b3 "
number='[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?'

markdown=$(bench md)
matches "the machine" "^.+: reads $number GB/s \\($number to $number\\); peak portable $number GFLOPS \\($number to $number\\)" "$markdown"
matches "the load time" "^load $number s\$" "$markdown"
equals "columns" "| model | size | params | backend | threads | test | t/s ± sd | rate | of the limit |" \
  "$(printf '%s\n' "$markdown" | grep '^| model' | tr -s ' ')"
equals "tests in the table" "$tests" "$(printf '%s\n' "$markdown" | grep '^| tiny bf16 ' | cut -d '|' -f 7 |
  sed 's/^ *//; s/ *$//' | tr '\n' ' ')"
equals "table rows of another form" "" "$(printf '%s\n' "$markdown" | grep '^| tiny' | tr -s ' ' | grep -vE \
  "^\| tiny bf16 \| $number MiB \| $number M \| [a-z0-9]+ \| 2 \| [^|]+ \| $number ± $number \| $number (GB/s|GFLOPS) \| $number % of the (read bandwidth|peak) \|\$")"

csv=$(bench csv | sed 's/^"[^"]*"/CPU/')
equals "tests in the CSV" "read load $tests" \
  "$(printf '%s\n' "$csv" | awk -F, 'NR > 1 && $7 != "peak" { print $7 }' | tr '\n' ' ')"
equals "CSV lines of another form" "" "$(printf '%s\n' "$csv" | awk -F, 'NR > 1 && !(NF == 11 && $8 > 0)')"

json=$(bench json)
matches "members of the JSON" '^\{"cpu":".*","backend":".*","threads":2,"read_gb_per_second":.*,"tests":\[\{.*\}\]\}$' "$json"
equals "tests in the JSON" "$tests" "$(printf '%s\n' "$json" | grep -oE '"test":"[^"]*"' | cut -d '"' -f 4 | tr '\n' ' ')"
if command -v python3 >/dev/null; then
  printf '%s\n' "$json" | python3 -m json.tool >/dev/null || fail "the JSON" "a text that parses" "$json"
fi

paths=$("$program" --threads 2 -p 8 -n 2 -d 0,40 -b 2 -r 1 --paths all -o md 2>"$scratch/log")
equals "exit code of --paths" 0 $?
equals "stderr of --paths" "" "$(cat "$scratch/log")"
isas=$(printf '%s\n' "$paths" | grep '^| tiny.* pp8 ' | cut -d '|' -f 5 | tr -d ' ' | tr '\n' ' ')
matches "paths of a test" '^portable ' "$isas"
equals "paths of another test" "$isas" "$(printf '%s\n' "$paths" | grep '^| tiny.* tg2 x b2 ' | cut -d '|' -f 5 | tr -d ' ' |
  tr '\n' ' ')"
matches "the machine of --paths" "^.+: reads $number GB/s .*; peak portable $number GFLOPS" "$paths"
case $isas in *' '*' ') # more than one
  matches "the verdict" '^kvx takes [a-z0-9]+ on this CPU:$' "$paths"
  matches "the verdict on a test" '^- pp8: [a-z0-9]+ is (the fastest|[0-9.]+ % faster(, within the deviations)?)$' "$paths" ;;
esac
matches "the shared prefix" "^\\| 2 +\\| portable +\\| 40 +\\| $number +\\| $number +\\| $number +\\| $number +\\| -?$number % +\\|\$" \
  "$paths"

# Random weights of the shape in a config.json.
mkdir "$scratch/shape"
cp examples/models/tiny-llama/config.json "$scratch/shape"
random=$("$program" --random "$scratch/shape" --threads 2 -p 16 -n 4 -b 1,3 -r 1 --weights int8 2>"$scratch/log")
equals "exit code of --random" 0 $?
matches "the memory of --random" "^note: shape \(random weights\) int8 takes 0\.[0-9]+ GB of memory\$" "$(cat "$scratch/log")"
matches "the time to make weights" "^random weights, made in $number s\$" "$random"
equals "tests of --random" "pp16 tg4 tg4 x b3 " "$(printf '%s\n' "$random" |
  grep -E "^\| shape \(random weights\) int8 \| $number MiB +\| 0\.92 M " | cut -d '|' -f 7 | sed 's/^ *//; s/ *$//' | tr '\n' ' ')"
refuse 1 'memory: expected at least [0-9.]+ GB for llama-3.1-8b \(random weights\) f32, found [0-9.]+ GB' \
  --random llama-3.1-8b --weights f32 -p 0 -n 1 -d 131000 -b 1000000
refuse 1 'shape no/where: expected a directory with a config.json, or one of llama-3.2-1b, .*, found neither' --random no/where
refuse 1 "$scratch/config.json: cannot open" --random "$scratch"
refuse 2 '.*--model' --random llama-3.1-8b --model examples/models/tiny
refuse 2 '.*--text' --random llama-3.1-8b --text README.md

refuse 2 '.*nonsense' --nonsense
refuse 2 '.*--prompt.*half' -p half
refuse 2 '.*--prompt.*-1' -p 512,-1
refuse 2 '.*--batch.*0' -b 0
refuse 2 '.*--repeats.*0' -r 0
refuse 2 '.*--dtype.*f16' --dtype f16
refuse 2 '.*--weights.*int4' --weights int4
refuse 2 '.*--output.*xml' -o xml
refuse 2 '.*--threads.*-1' --threads -1
refuse 1 'model no/where: expected a directory' --model no/where
refuse 1 'paths: expected all, portable.*, found .sse9.' --paths sse9
refuse 2 '.*--paths' --paths all --text README.md
refuse 1 'pp5000: expected at most 4096 positions' -p 5000
exit $failed
