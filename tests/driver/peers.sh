# Usage: peers.sh FOLDER   Runs the whole comparison of bench/peers.py, with kvx in FOLDER in place of the peers.
set -u
program=bench/peers.py driver=peers.py
. "$(dirname "$0")/checks.sh"
export PYTHONDONTWRITEBYTECODE=1
peers() { # peers OPTION...
  python3 "$program" examples/models/tiny --self --kvx "$kvx" --data examples/data/tool_world.jsonl.gz --limit 1 \
    --new-tokens 2 --prompts 8,16 --repeats 1 --threads 2 "$@" 2>"$scratch/log"
}
kvx=$1
number='[0-9]+(\.[0-9]+)?'

table=$(peers --out "$scratch/table")
equals "exit code" 0 $?
[ $failed = 0 ] || cat "$scratch/log"
equals "the file" "$table" "$(cat "$scratch/table")"
matches "the machine" "^tiny in BF16 on 2 cores of an .+ \([0-9-]{10}; path [a-z0-9]+, others: .+; together they reach $number GFLOPS and read $number GB/s\); medians of 1 runs, alternating with the peer:$" "$table"
matches "the header" '^\| test \| kvx \| peer \| ratio \|$' "$table"
row() { matches "row: $1" "^\| $1 \| $2 \| $3 \| $4 \|\$" "$table"; } # row WHAT KVX PEER RATIO, all patterns
row 'grid of 10 cells × 1 requests, tool_world.jsonl.gz, 2 new tokens' "$number s" \
  "kvx B?F[0-9]+: $number s \(1 of its cells timed\)" "$number"
row 'an answer of a grid of 57 cells × 1 requests, run once' "$number s" \
  "kvx B?F[0-9]+: $number s \(2 of its cells timed\)" "$number"
row 'prefill, 8 tokens' "$number tokens/s \($number % of the peak\)" "kvx BF16: $number" "$number"
row 'prefill, 16 tokens' "$number tokens/s \($number % of the peak\)" "kvx BF16: $number" "$number"
row 'decode, one sequence' "$number tokens/s \($number % of the read bandwidth\)" "kvx BF16: $number" "$number"
row 'decode, 64 sequences on one prefix of 1024 rows' "$number tokens/s \($number % of the peak\)" "kvx, one: $number" \
  "$number"
row 'decode, one sequence, `--weights int8`' "$number tokens/s" "kvx, BF16: $number" "$number"
row 'load, warm file cache' "$number s" '' ''
equals "rows" 10 "$(printf '%s\n' "$table" | grep -c '^|')"
matches "kvpress's dtypes" '^peers.py: kvx F32 takes [0-9.]+ s for snapkv at 0.5$' "$(cat "$scratch/log")"
matches "kvpress's dtypes" '^peers.py: kvx BF16 takes (more than )?[0-9.]+ s for snapkv at 0.5$' "$(cat "$scratch/log")"

equals "rows of one part" 'decode, one sequence,load, warm file cache,' \
  "$(peers --only decode | grep '^|' | tail -n +3 | cut -d '|' -f 2 | sed 's/^ //; s/ $//' | tr '\n' ',')"
peers --only nonsense >"$scratch/out"
equals "exit code of an unknown part" 2 $?
matches "an unknown part" 'expected some of grid,large.*, found nonsense$' "$(cat "$scratch/log")"
exit $failed
