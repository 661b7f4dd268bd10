# Usage: kvx-eval-pitfalls.sh PROGRAM   Checks the tasks ifeval and leakage on the tiny model: their options, the spans
# of their prompts, the rows kept of these, entropies, and a run that was cut off.
set -u
program=$1 driver=kvx-eval
. "$(dirname "$0")/checks.sh"
none=$scratch/none data=examples/data/ifeval/sys_ifeval.jsonl.gz

plain() { sed 's/"protect[^"]*"/protect/' "$1"; } # a CSV file without commas in its fields
column() {                                        # column FILE NAME: one of its columns
  plain "$1" | awk -F, -v name="$2" 'NR == 1 { for (i = 1; i <= NF; ++i) if ($i == name) c = i; next } { print $c }'
}

refuse 2 "span: expected \[NAME=\]FIRST:LAST, .*found '7:8'" ifeval --out "$none" --span 3:4,5:6,7:8
refuse 2 'ratio: expected FIRST:LAST:COUNT' ifeval --out "$none" --ratio 0:0.9
refuse 2 'ratio: expected a whole number from 2 to 1000000, found 1' ifeval --out "$none" --ratio 0:0.9:1
refuse 2 'generate: expected true where analyze-kept-tokens is not' ifeval --out "$none" --no-generate
refuse 2 'log-level: expected error, info or debug, found loud' ifeval --out "$none" --log-level loud
refuse 2 "task 'ifevil': unknown task" ifeval --out "$none" --max-new-tokens ifevil=3
refuse 2 "max-new-tokens: expected a task of the run, found leakage" ifeval --out "$none" --max-new-tokens leakage=3
refuse 2 "data: expected a task of the run, found ifeval" leakage --out "$none" --data "ifeval=$data"
refuse 2 "data: expected one file for all tasks, found $data and a.jsonl" ifeval --out "$none" --data "$data,a.jsonl"
refuse 2 "span: expected a press fair" ifeval --out "$none" --press knorm --span 3:9
refuse 1 "skip-ids: expected a key, id or task_id of the data, found nosuch" ifeval --out "$none" --data "$data" --skip-ids 1000,nosuch
refuse 2 'leakage: threshold: expected a number above 0' leakage --out "$none" --leak-threshold 0
refuse 1 "leakage: unknown defense 'standard'" leakage --out "$none" --defenses standard
refuse 1 "leakage: unknown attack category 'Riddle'" leakage --out "$none" --attack-categories Riddle
refuse 1 "leakage: unknown defense 'none_such'" ifeval --out "$none" --defense none_such
refuse 1 'no/where: cannot open' leakage --out "$none" --attacks-file no/where

ratios=$("$program" tool_call --print-config --ratio 0:0.9:4 | grep '^ratio')
for setting in '--skip-ids 1001' '--span 3:9 --press fair(knorm)' --entropy '--defense flipped_defense' '--leak-threshold 0.4' '--prompts-per-category 1' '--system-prompt-prepend Hello.'; do
  # shellcheck disable=SC2086
  {
    small="ifeval,leakage --data ifeval=$data --contexts 1 --defenses no_defense --attack-categories Encoding --ratio 0 --max-new-tokens 1"
    [ -d "$scratch/small" ] || "$program" $small --out "$scratch/small" >/dev/null 2>&1
    refuse 1 '.*holds records of another run' $small --out "$scratch/small" $setting
  }
done
matches "grading at another threshold" '"leaked":\{"value":0,' "$("$program" grade leakage "$scratch/small/records.jsonl" --leak-threshold 1 2>/dev/null)"
refuse 2 'leakage: threshold: expected' grade leakage "$scratch/small/records.jsonl" --leak-threshold 7
refuse 1 'model: expected models of different names, found a=examples' ifeval --data $data --contexts 1 --out "$none" --model a=examples/models/tiny,a=examples/models/tiny
equals "ratio as it is printed" 'ratio: "0:0.9:4"' "$ratios"

run=$scratch/run
grid="ifeval,leakage --contexts 3 --skip-ids 1000 --defense standard_defense --defenses standard_defense,flipped_defense
  --prompts-per-category 1 --max-new-tokens ifeval=12,leakage=6 --entropy --analyze-kept-tokens --ratio 0,0.4 --log-level error"
# shellcheck disable=SC2086
{
  "$program" $grid --press 'streaming_llm,fair(streaming_llm),protect(knorm, span=defense)' --model tiny=examples/models/tiny --out "$run" >"$scratch/table" 2>"$scratch/log"
  equals "exit code of a run" 0 $?
  equals "stderr at the log level error" "" "$(cat "$scratch/log")"
  equals "records" $((4 * 3 + 4 * 3 * 2 * 8)) "$(awk 'END { print NR }' "$run/records.jsonl")"
  equals "models" tiny "$(column "$run/results.csv" model | sort -u)"
  equals "a prompt that is left out" "" "$(grep -o '\\"key\\":1000' "$run/records.jsonl")"
  matches "classes" '^\| press .*\| (keywords|detectable_format|length_constraints) \(n=' "$(cat "$scratch/table")"
  matches "defenses" '\| attack/Direct request \(n=6, contexts=3\) .*\| defense/flipped_defense \(n=24, contexts=3\)' "$(cat "$scratch/table")"
  equals "spans" 'all defense instructions prepend rest' "$(column "$run/kept_spans.csv" span | sort -u | xargs)"
  fair=$(plain "$run/kept_spans.csv" | awk -F, '$2 == "fair(streaming_llm)" && $6 == "ifeval/sys_ifeval" && $7 == "instructions" { print ($12 > 0.85 && $12 < 1.15) }')
  equals "whether the fair form keeps its share of the instructions" 1 "$fair"
  unfair=$(plain "$run/kept_spans.csv" | awk -F, '$2 == "streaming_llm" && $6 == "ifeval/sys_ifeval" && $7 == "instructions" { print ($12 > 1.3) }')
  equals "whether streaming_llm keeps more of the instructions, which come after the defense" 1 "$unfair"
  equals "tokens of entropy.csv" 12 "$(awk -F, '$2 == "none" && $6 == "ifeval/sys_ifeval"' "$run/entropy.csv" | awk 'END { print NR }')"

  cp -r "$run" "$scratch/cut"
  head -c 20000 "$run/records.jsonl" >"$scratch/cut/records.jsonl"
  rm "$scratch/cut/kept_spans.csv"
  "$program" $grid --press 'streaming_llm,fair(streaming_llm),protect(knorm, span=defense)' --model tiny=examples/models/tiny --out "$scratch/cut" >/dev/null 2>&1
  for file in records.jsonl results.csv groups.csv entropy.csv kept_spans.csv kept_heads.csv kept_text.json; do
    cmp -s "$run/$file" "$scratch/cut/$file" || fail "after a cut" "$file as before" "another"
  done
  refuse 1 ".*holds records of another run" $grid --press streaming_llm --model tiny=examples/models/tiny --out "$run" --system-prompt-prepend 'Hello. '
}

# With a fixed number of rows, the ratio differs between contexts; all tables show its mean.
keep=$scratch/keep
"$program" tool_call,perplexity,ifeval --data tool_call=examples/data/tool_world.jsonl.gz,perplexity=examples/data/story.txt,ifeval=$data \
  --contexts 2 --limit 4 --n-ppl 2 --max-length 128 --keep 40 --press knorm,streaming_llm --query-aware --entropy --analyze-kept-tokens \
  --max-new-tokens 2 --out "$keep" >"$scratch/table" 2>&1
code=$?
equals "exit code with --keep ($(cat "$scratch/table"))" 0 $code
cells() { # cells FILE: each task and compressed cell of a CSV file, with the ratio
  awk -F, 'NR == 1 { for (i = 1; i <= NF; ++i) if ($i == "task") t = i; next } $2 != "none" { print $t, $2, $4, $5, $3 }' "$1" | sort -u
}
cells "$keep/results.csv" >"$scratch/cells"
equals "cells of results.csv" 10 "$(awk '$3 == "keep=40" && $5 > 0 && $5 < 1' "$scratch/cells" | awk 'END { print NR }')"
for file in degradation groups entropy kept_spans kept_heads; do
  equals "cells of $file.csv that results.csv lacks" "" "$(cells "$keep/$file.csv" | grep -vxFf "$scratch/cells")"
  [ -n "$(cells "$keep/$file.csv")" ] || fail "cells of $file.csv" "some" "none"
done
matches "a cell with a budget on the screen" '^\| knorm keep=40 query_aware +\| 0\.[0-9]+ ' "$(cat "$scratch/table")"

analysis=$scratch/analysis
"$program" ifeval --data $data --contexts 2 --press knorm --ratio 0.5 --no-generate --analyze-kept-tokens --out "$analysis" >/dev/null 2>&1
equals "exit code of an analysis without answers" 0 $?
equals "records of an analysis without answers" 0 "$(awk 'END { print NR }' "$analysis/records.jsonl")"
equals "contexts of an analysis without answers" 2 "$(column "$analysis/kept_spans.csv" contexts | sort -u)"

"$program" ifeval --data $data --contexts 1 --press 'fair(knorm)' --ratio 0.5 --system-prompt-prepend '' --max-new-tokens 2 --out "$scratch/spanless" >/dev/null 2>&1
matches "a fair press without spans" '"detail":"fair: a prompt without a span defense' "$(cat "$scratch/spanless/records.jsonl")"
"$program" ifeval --data $data --contexts 1 --press 'fair(knorm)' --ratio 0.5 --system-prompt-prepend '' --span 3:9,9:20 --max-new-tokens 2 --out "$scratch/by_hand" >/dev/null 2>&1
equals "a fair press with spans by hand" "" "$(grep -o not_applicable "$scratch/by_hand/records.jsonl")"
exit $failed
