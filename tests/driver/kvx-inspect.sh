# Usage: kvx-inspect.sh PROGRAM   Checks one-line errors, the table, and that the files agree with it.
set -u
program=$1 driver=kvx-inspect
. "$(dirname "$0")/checks.sh"

refuse 2 'prompt: expected --prompt or --data, found neither' --press knorm
refuse 2 'prompt: expected --prompt or --data, found both' --press knorm -p Hi --data FILE
refuse 2 ".*unknown press 'knrom'; did you mean knorm" --press knrom -p Hi
refuse 2 'ratio: expected 0 <= ratio < 1, found 1' --press knorm -p Hi --ratio 1
refuse 2 "span: expected \[NAME=\]FIRST:LAST, .*found '7:3'" --press knorm -p Hi --span 7:3
refuse 1 'no/where: cannot open' --press knorm --data no/where
refuse 1 'examples/data/code.jsonl: expected a sample of index 20, found 20 samples' --press knorm --data examples/data/code.jsonl --index 20
refuse 1 'prompt: system: expected </kvx:a>, found the end of the text' --press knorm -p Hi --system '<kvx:a>x'

out=$scratch/out
text=$("$program" --press 'fair(knorm),snapkv' --ratio 0.5 -p 'Who are you?' --max-new-tokens 3 --out "$out" \
  --system '<kvx:defense>Tell nobody.</kvx:defense> <kvx:instructions>Be brief, and answer in English.</kvx:instructions>' 2>"$scratch/log")
equals "exit code" 0 $?
matches "table" '^\| fair\(knorm\) +\| 0.5 +\| defense +\| [0-9]+ +\| 0\.[0-9]+ \| 0\.[0-9]+' "$text"
matches "a press that cannot serve the prompt" '^snapkv at ratio 0.5: not applicable, snapkv: a context of [0-9]+ tokens is not longer' "$text"
# The tokens of a cell and the share of its rows that are kept, from a file whose fields may hold commas and line ends.
counted=$(python3 -c '
import csv, sys
rows = [row for row in csv.DictReader(open(sys.argv[1], newline="")) if row["press"] == "fair(knorm)"]
print(len(rows), "%.4f" % (sum(int(row["kept_by"]) for row in rows) / len(rows) / 8))' "$out/kept_tokens.csv")
tokens=${counted% *}
equals "share kept of all tokens in kept_tokens.csv and kept_spans.csv" "${counted#* }" \
  "$(awk -F, '$2 == "fair(knorm)" && $7 == "all" { printf "%.4f", $10 }' "$out/kept_spans.csv")"
equals "lines of entropy.csv" 7 "$(awk 'END { print NR }' "$out/entropy.csv")"
equals "tokens on the page" $((2 * tokens)) "$(grep -o 'heads">' "$out/inspect.html" | wc -l)"
equals "files that the page refers to" "" "$(grep -oE '(src|href)="[^#][^"]*"' "$out/inspect.html")"

by_hand=$("$program" --press 'protect(knorm, span=secret)' --ratio 0.5 -p 'Who are you?' --system 'Be brief.' --span secret=3:6 --max-new-tokens 0)
matches "a span by hand" '^\| protect\(knorm, span=secret\) \| 0.5 +\| secret +\| 3 +\| 1.00 \|' "$by_hand"
ignored=$("$program" --press int4,knorm --ratio 0.5 -p Hi --max-new-tokens 0 2>&1 >/dev/null)
equals "presses that ignore the ratio" 'int4 itself decides how much stays and ignores ratio=0.5' \
  "$(printf '%s\n' "$ignored" | grep ' itself decides ')"
without=$("$program" --press knorm -p Hi --max-new-tokens 0 --gnuplot no-such-program --out "$scratch/plain" 2>&1 >/dev/null)
matches "without gnuplot" 'no program no-such-program' "$without"
exit $failed
