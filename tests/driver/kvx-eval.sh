# Usage: kvx-eval.sh PROGRAM   Checks exit codes and one-line errors, that the results do not depend on the batch, the
# number of threads, the memory limit or kills, and that no other run changes an output directory.
set -u
program=$1 driver=kvx-eval
. "$(dirname "$0")/checks.sh"
log=$scratch/log

same() { cmp -s "$2" "$3" || fail "$1" "$3 to equal $2" "$(cmp "$2" "$3" 2>&1)"; }  # same WHAT FILE FILE
same_results() {                                                                    # same_results WHAT RUN RUN
  for file in records.jsonl results.json results.csv; do same "$1" "$scratch/$2/$file" "$scratch/$3/$file"; done
}
lines() { awk 'END { print NR }' "$1"; }
sums() { (cd "$1" && cksum ./*); }
alive() { grep -q VmRSS "/proc/$1/status" 2>/dev/null; } # a process that ended and was not waited for has none

expect() { # expect CODE PATTERN ARGUMENT...: the exit code, and what one line of the output matches
  code=$1 pattern=$2
  shift 2
  output=$("$program" "$@" 2>&1)
  equals "exit code of: $*" "$code" $?
  matches "output of: $*" "$pattern" "$output"
}

# The command line.
none=$scratch/none
expect 0 '^[0-9]+\.[0-9]+\.[0-9]+$' --version
expect 0 '^tool_call$' --list-tasks
expect 0 '^snapkv +window=64, kernel=5 +arXiv:2404.14469$' --list-presses
expect 0 '^smollm2 +SmolLM2 Instruct$' --list-templates
expect 2 'nonsense' tool_call --out "$none" --nonsense
refuse 2 '(tasks?: )?expected a task' --out "$none"
refuse 2 'threads: expected a whole number .*found 4294967297' tool_call --out "$none" --threads 4294967297
refuse 2 "task 'tool_cal': unknown task; did you mean tool_call" tool_cal --out "$none"
refuse 2 "task 'tool_cal': unknown task; did you mean tool_call" grade tool_cal "$none"
refuse 2 'out: expected a directory' tool_call
refuse 2 ".*unknown press 'snapvk'; did you mean snapkv" tool_call --out "$none" --press snapvk
refuse 2 "press 'knorm\\(': .*parenthesis" tool_call --out "$none" --press 'snapkv,knorm('
refuse 2 'ratio: expected 0 <= ratio < 1, found 1.5' tool_call --out "$none" --ratio 0,1.5
refuse 2 "ratio: expected a number, found 'half'" tool_call --out "$none" --ratio half
refuse 2 'ratio: .*keep' tool_call --out "$none" --ratio 0.5 --keep 3
refuse 2 'ratio: .*keep' tool_call --out "$none" --ratio '' --keep 3
refuse 2 'limit: expected a whole number .*found -1' tool_call --out "$none" --limit -1
refuse 2 'dtype: expected bf16 or f32, found f16' tool_call --out "$none" --dtype f16
refuse 2 "memory: expected a size such as .*found '4X'" tool_call --out "$none" --memory 4X
refuse 2 'template: expected chatml, qwen2, qwen2.5, smollm2, none or a file with a chat template, found jinja' tool_call --out "$none" --template jinja
refuse 2 'template-vars: not valid JSON: .*' tool_call --out "$none" --template-vars '{'
refuse 2 'template-vars: expected none for the template chatml' tool_call --out "$none" --template chatml --template-vars '{"a": 1}'
refuse 2 'template-date: expected YYYY-MM-DD, found 2026-02-30' tool_call --out "$none" --template-date 2026-02-30
refuse 1 'model no/where: expected a directory' tool_call --out "$none" --model no/where
refuse 1 'no/where: cannot open' tool_call --out "$none" --data no/where

# A setting of a model that is not applied is reported once on the screen, and in run.json.
odd=$scratch/odd
mkdir "$odd"
ln -s "$PWD"/examples/models/tiny/*.json "$PWD"/examples/models/tiny/model.safetensors "$odd"
rm "$odd/generation_config.json"
echo '{"eos_token_id": 1023, "repetition_penalty": 1.3}' >"$odd/generation_config.json"
"$program" tool_call --model "odd=$odd" --press knorm --ratio 0,0.5 --limit 2 --max-new-tokens 2 --out "$odd/out" >/dev/null 2>"$log"
code=$?
equals "exit code with a penalty ($(cat "$log"))" 0 $code
note='odd: generation_config.json asks for repetition_penalty 1.3, which is not applied'
equals "notes on the screen" "note: $note" "$(grep penalty "$log")"
equals "notes in run.json" 1 "$(grep -c "\"notes\":\[\"$note\"\]" "$odd/out/run.json")"

# A configuration file.
config=$scratch/config.yaml again=$scratch/again.yaml
"$program" tool_call --print-config --press 'snapkv(window=16, kernel=5),knorm' --ratio 0,0.5 --limit 3 >"$config"
"$program" --print-config --config "$config" >"$again"
same "--print-config of its own output" "$config" "$again"
"$program" --print-config --config "$config" --limit 7 >"$again"
equals "lines that --limit 7 changes" '< limit: "3"> limit: "7"' "$(diff "$config" "$again" | grep '^[<>]' | tr -d '\n')"
"$program" --print-config --config "$config" --keep 20 >"$again"
equals "lines that --keep 20 changes" '> keep: "20"< ratio: "0,0.5"' "$(diff "$config" "$again" | grep '^[<>]' | tr -d '\n')"
printf 'ratio: [0, 0.5]\npress:\n  - snapkv(window=16, kernel=5)\n  - knorm\ntasks: tool_call\nlimit: 3\n' >"$again"
"$program" --print-config --config "$again" >"$again.printed"
same "--print-config of YAML lists" "$config" "$again.printed"
echo 'raito: 0.5' >"$again"
refuse 2 "$again: .*raito" tool_call --print-config --config "$again"
for text in 'ratio: [' 'ratio: {a: 1}' '- ratio' 'ratio'; do
  echo "$text" >"$again"
  refuse 2 "$again: expected YAML" tool_call --print-config --config "$again"
done

# Grading answers of another engine.
verdicts=$scratch/verdicts.jsonl answers=$scratch/answers.jsonl bad=$scratch/bad.jsonl
sed 's/, "as_read": .*/}/' tests/data/toolcall/answers.jsonl >"$verdicts"
awk '{
  gold = index($0, "\"answer\": ") + 10; prefix = index($0, ", \"answer_prefix\": ")
  answer = substr($0, gold, prefix - gold); gsub(/["\\]/, "\\\\&", answer)
  printf "{\"context\": \"c\", \"question\": \"q\", \"task\": \"%s\", \"max_new_tokens\": 9, ",
    NR % 2 ? "odd" : "even"
  printf "\"answer\": \"%s\"%s}\n", answer, substr($0, prefix, index($0, ", \"json_valid\": ") - prefix)
}' "$verdicts" >"$answers"
"$program" grade tool_call "$answers" >"$scratch/grades.json" 2>"$log"
equals "exit code of grade" 0 $?
matches "groups of grade" '^\{"odd":\{"n":139,.*"even":\{"n":138,.*\}$' "$(cat "$scratch/grades.json")"
for metric in name_substring json_valid name_match schema_valid args_exact call_exact; do
  column=$metric
  [ $metric != call_exact ] || column=strict_exact
  equals "answers that are $metric" "$(grep -c "\"$column\": true" "$verdicts")" "$(tr '{}' '\n\n' <"$scratch/grades.json" |
    awk -F '[:,]' -v line="\"$metric\":" 'index($0, line) { getline; right += $2 * $4 } END { printf "%.0f", right }')"
done
gzip -c "$answers" >"$answers.gz"
equals "grades of a gzip file" "$(cat "$scratch/grades.json")" "$("$program" grade tool_call "$answers.gz")"
for bracket in '[' '{' '{\\"a\\":'; do
  awk -v bracket="$bracket" 'NR == 1 {
    sub(/"predicted_answer".*/, ""); printf "%s\"predicted_answer\": \"", $0
    for (size = 0; size < 1000000; size += length(bracket)) printf "%s", bracket
    print "\"}"
  }' "$answers" >"$bad"
  expect 0 '"states":\{"unparsed":1\}' grade tool_call "$bad"
done
echo 'tool_format: auto' >"$again"
"$program" grade tool_call "$answers" --config "$again" >"$scratch/auto.json"
equals "exit code of grade --config" 0 $?
equals "grades with a config" "$("$program" grade tool_call "$answers" --tool-format auto)" "$(cat "$scratch/auto.json")"
! cmp -s "$scratch/grades.json" "$scratch/auto.json" || fail "grades with a config" "other grades" "the same"
equals "grades with an overridden config" "$("$program" grade tool_call "$answers" --tool-format plain)" \
  "$("$program" grade tool_call "$answers" --config "$again" --tool-format plain)"
echo 'tool_formt: auto' >"$again"
refuse 2 "$again: unknown option tool_formt.*tool-format" grade tool_call "$answers" --config "$again"
sed '2s/"predicted_answer"/"answered"/' "$answers" >"$bad"
refuse 1 "$bad: line 2: missing column predicted_answer" grade tool_call "$bad"
refuse 1 'no/where: cannot open' grade tool_call no/where

bad_data() { # bad_data PATTERN COMMAND...: the same error for data to grade and for data to run
  error="$bad: $1"
  shift
  "$@" "$answers" >"$bad"
  refuse 1 "$error" grade tool_call "$bad"
  refuse 1 "$error" tool_call --out "$none" --data "$bad"
}
bad_data 'line 3: missing column question' sed '3s/"question"/"questions"/'
bad_data 'line 3: column max_new_tokens: expected a whole number' sed '3s/"max_new_tokens": 9/"max_new_tokens": "9"/'
bad_data 'line 3: expected a JSON object' sed '3s/^./x/'
bad_data "line 3: .*answer: expected a JSON object" sed '3s/"answer": "./"answer": "x/'
bad_data 'expected JSON lines, found an empty file' sed d
bad_data 'expected .*gzip' sh -c 'gzip -c "$0" | head -c 3000'
[ ! -e "$none" ] || fail "a run that cannot start" "no output directory" "$(ls -a "$none")"

# The model in the tree calls tools that it never saw.
"$program" tool_call --ratio 0 --out "$scratch/tiny" >/dev/null 2>"$log"
while read -r metric least; do
  equals "$metric of the tiny model of $least or more" yes \
    "$(awk -F, -v m="$metric" -v least="$least" '$7 == m { print ($8 >= least ? "yes" : $8) }' "$scratch/tiny/results.csv")"
done <<END
json_valid 0.99
name_match 0.9
schema_valid 0.9
args_exact 0.9
decline_precision 0.7
decline_recall 0.7
END

# The same model in two architectures, in one run: the same values in one table.
"$program" tool_call --model tiny=examples/models/tiny,llama=examples/models/tiny-llama --press knorm --ratio 0,0.5 --limit 3 \
  --max-new-tokens 12 --out "$scratch/architectures" >"$scratch/table" 2>"$log"
code=$?
equals "exit code of two architectures ($(cat "$log"))" 0 $code
values() { sed -n "s/^$1,//p" "$scratch/architectures/results.csv"; }
[ -n "$(values tiny)" ] || fail "values of two architectures" "some" "none"
equals "values in the other architecture" "$(values tiny)" "$(values llama)"
equals "tables of two architectures" "tiny: tool_call_6 llama: tool_call_6 " "$(grep ': tool_call_6$' "$scratch/table" | tr '\n' ' ')"

# Programs that only a second run may execute: no new answers are generated.
code() { "$program" code_exec --limit 3 --press knorm --ratio 0,0.5 --max-new-tokens 8 --out "$scratch/code" "$@" >"$scratch/table" 2>"$log"; }
code
equals "answers that were not run" 6 "$(grep -c '"state":"not_run"' "$scratch/code/records.jsonl")"
code --allow-code-execution
equals "answers that were not run when it was allowed" 0 "$(grep -c '"state":"not_run"' "$scratch/code/records.jsonl")"
equals "records of programs" 6 "$(lines "$scratch/code/records.jsonl")"
matches "programs that ran later" '^6 recorded answers were graded now' "$(cat "$log")"
matches "a run without new answers" '^0 new answers' "$(cat "$log")"
matches "pass@1 of them" '^[^,]*,none,0,,false,[^,]*,pass@1,[01]' "$(cat "$scratch/code/results.csv")"

# The defaults hold in any folder.
folder=$PWD
cd "$scratch" || exit 1
"$program" tool_call,perplexity --limit 1 --n-ppl 1 --ratio 0 --out anywhere >/dev/null 2>"$log"
code=$?
equals "exit code in another folder ($(cat "$log"))" 0 $code
equals "records in another folder" 2 "$(lines anywhere/records.jsonl)"

# A config names example data in any folder. A file of the current folder is used instead, and what is recorded does not
# depend on where a file was found.
from() { # from DATA NAME: a short run on the data of a config of the tree, or on DATA
  "$program" tool_call --config "$folder/examples/configs/presses.yaml" ${1:+--data "$1"} --limit 2 \
    --press knorm --ratio 0.5 --max-new-tokens 3 --max-context-length 150 --out "$scratch/$2" >/dev/null 2>"$log"
  code=$?
  equals "exit code of a config in another folder with data '$1' ($(cat "$log"))" 0 $code
}
from '' by_name
from "$folder/examples/data/tool_call.jsonl.gz" by_path
same_results "data by name and by path" by_name by_path
matches "data of a config that a run leaves" '^data: "tool_call.jsonl.gz"$' "$(cat by_name/config.yaml)"
cp "$folder/examples/data/tool_world.jsonl.gz" tool_call.jsonl.gz
from '' current_folder
from "$folder/examples/data/tool_world.jsonl.gz" world
same_results "data of the current folder" current_folder world
rm tool_call.jsonl.gz
refuse 1 "story.txt/x: cannot open: expected this file or .*/data/story.txt/x, found neither" \
  perplexity --data story.txt/x --out "$none"
cd "$folder" || exit 1

# A grid: ten cells, and four requests of each of two groups, each request with a catalog of its own.
grid=$scratch/grid.yaml total=80
gzip -dc examples/data/tool_call.jsonl.gz | awk 'NR % 8 == 1' | sed '1,4s/"task": "tool_call"/"task": "tool_call_08"/; 8q' \
  >"$scratch/data.jsonl"
cat >"$grid" <<END
tasks: tool_call
data: $scratch/data.jsonl
max-new-tokens: 12
max-context-length: 150
press: knorm,streaming_llm,snapkv(window=16, kernel=7)
ratio: 0,0.2,0.4,0.6
END
run() { # run NAME OPTION...: a run of the grid, into the directory NAME
  name=$1
  shift
  "$program" --config "$grid" --out "$scratch/$name" "$@" >"$scratch/table" 2>"$log"
  equals "exit code of a grid with: $*" 0 $?
}
run whole
whole=$scratch/whole csv=$(cat "$whole/results.csv")
files="config.yaml records.jsonl results.csv results.json run.json "
equals "files of a run" "$files" "$(ls "$whole" | tr '\n' ' ')"
equals "records" $total "$(lines "$whole/records.jsonl")"
equals "cells in results.json" 20 "$(grep -c '"press":' "$whole/results.json")"
matches "head of the table" '^\| press .*\| ratio .*\| n .*\| args_exact .*\| MB kept .*\| tokens/s' \
  "$(grep '^| press' "$scratch/table" | sed 1q)"
equals "rows of the table" 20 \
  "$(grep -cE '^\| (none|knorm|streaming_llm|snapkv\(.*\)) +\| 0.* \[' "$scratch/table")"
equals "lines on stderr that move the cursor" 0 "$(grep -c "$(printf '[\r\033]')" "$log")"
equals "first line of results.csv" "model,press,compression_ratio,budget,query_aware,task,metric,value,n,contexts,low,high,change,change_low,change_high,p,holm_p,better,change_n,change_contexts" \
  "$(sed 1q "$whole/results.csv")"
matches "a press with a comma in results.csv" '^[^,]*,"snapkv\(window=16, kernel=7\)",0\.2,,false,tool_call_08,args_exact,' \
  "$(printf '%s\n' "$csv" | grep snapkv)"
equals "values in results.csv outside their interval" "" "$(printf '%s\n' "$csv" | sed 's/"[^"]*"/snapkv/' |
  awk -F, 'NR > 1 && $11 != "" && ($11 < 0 || $8 < $11 - 1e-9 || $12 < $8 - 1e-9 || $12 > 1)')"

run one --max-batch 1 --threads 1
same_results "one thread, one sequence at a time" whole one
run seven --max-batch 7 --threads 3
same_results "three threads, seven sequences at a time" whole seven
"$program" --config "$whole/config.yaml" --out "$scratch/config" >/dev/null 2>"$log"
same_results "the configuration that a run leaves" whole config
run grown --press knorm --limit 3 --ratio 0.4
run grown
matches "a run that others began" '^77 new answers' "$(cat "$log")"
same_results "a run that others began" whole grown

run ours --press 'snapkv(window=16, kernel=7)' --ratio 0.4 --limit 2
run theirs --press-name 'SnapKVPress(window_size=16, kernel_size=7)' --compression-ratio 0.4 --limit 2
same_results "the spellings of kvpress" ours theirs
run dice --press random --ratio 0.8 --seed 1
run same_dice --press random --ratio 0.8 --seed 1
run other_dice --press random --ratio 0.8 --seed 2
same_results "a seed" dice same_dice
! cmp -s "$scratch/dice/records.jsonl" "$scratch/other_dice/records.jsonl" ||
  fail "two seeds" "other records" "the same"
run window --press 'snapkv(window=500),knorm' --ratio 0.4 --limit 2
equals "not applicable" 2 \
  "$(grep -c '"press":"snapkv(window=500)".*"state":"not_applicable"' "$scratch/window/records.jsonl")"
equals "records of both presses" 4 "$(lines "$scratch/window/records.jsonl")"
run base --ratio 0 --limit 4
equals "metrics of graded records" \
  "$(grep -o '"metrics":.*,"changes"' "$scratch/base/results.json" | sed 's/"changes"$//')" \
  "$("$program" grade tool_call "$scratch/base/records.jsonl" | grep -o '"metrics":.*}}}' | sed 's/}}}$/},/')"

# A run that is killed again and again continues where it stopped.
killed=0 attempt=0
mkdir "$scratch/killed"
: >"$scratch/killed/records.jsonl"
while [ $attempt -lt 20 ]; do
  attempt=$((attempt + 1))
  "$program" --config "$grid" --max-batch 2 --out "$scratch/killed" >/dev/null 2>"$log" &
  pid=$!
  while alive $pid && [ "$(lines "$scratch/killed/records.jsonl")" -lt $((attempt * total / 22)) ]; do sleep 0.005; done
  sleep 0.0$((attempt % 3))
  kill -9 $pid 2>/dev/null
  wait $pid 2>/dev/null
  status=$?
  if [ $status -eq 137 ] && [ "$(lines "$scratch/killed/records.jsonl")" -lt $total ]; then
    killed=$((killed + 1))
  elif [ $status -ne 137 ] && [ $status -ne 0 ]; then
    fail "start $attempt after a kill" "exit 0" "exit $status: $(cat "$log")"
    break
  fi
done
[ $killed -ge 10 ] || fail "kills" "10 or more of 20 before the last record" "$killed"
sed -n 5p "$whole/records.jsonl" | head -c 300 >>"$scratch/killed/records.jsonl"
run killed
same_results "$killed kills and a torn line" whole killed

# A second start of a finished run, and a run that was killed after its last answer or while it replaced its files.
before=$(sums "$scratch/killed")
run killed
equals "files after a second start" "$before" "$(sums "$scratch/killed")"
matches "a second start" '^0 new answers' "$(cat "$log")"
mkdir "$scratch/late"
sort -r "$whole/records.jsonl" >"$scratch/late/records.jsonl"
head -c 1000 "$whole/records.jsonl" >"$scratch/late/records.jsonl.tmp"
run late
matches "a run killed late" '^0 new answers' "$(cat "$log")"
same_results "a run killed late" whole late
equals "files of a run killed late" "$files" "$(ls "$scratch/late" | tr '\n' ' ')"

# Two runs at the same time.
"$program" --config "$grid" --max-batch 1 --out "$scratch/two" >/dev/null 2>&1 &
pid=$!
while alive $pid && [ ! -s "$scratch/two/records.jsonl" ]; do sleep 0.005; done
kill -STOP $pid
refuse 1 "$scratch/two: another run is using this directory" --config "$grid" --out "$scratch/two"
kill -9 $pid
wait $pid 2>/dev/null
run two
same_results "a run whose directory another run was refused" whole two

# Another run's directory.
other() { # other PATTERN OPTION...: the run is refused, and says what differs
  difference=$1
  shift
  refuse 1 "$whole: holds records of another run \\(.*$difference" --config "$grid" --out "$whole" "$@"
}
before=$(sums "$whole")
cp -R examples/models/tiny "$scratch/model"
echo >>"$scratch/model/generation_config.json"
other 'dtype.*bf16.*dtype.*f32' --dtype f32
other 'max-new-tokens.*12.*max-new-tokens.*13' --max-new-tokens 13
other 'max-context-length.*150.*max-context-length.*151' --max-context-length 151
other 'template.*template.*none' --template none
other 'data.*data.*answers' --data "$answers"
other 'model.*model' --model "$scratch/model"
cp -R examples/models/tiny "$scratch/tiny_model"
run models --model "$scratch/tiny_model,$scratch/model" --ratio 0 --limit 1
mv "$scratch/model" "$scratch/aside"
mv "$scratch/tiny_model" "$scratch/model"
mv "$scratch/aside" "$scratch/tiny_model"
refuse 1 "$scratch/models: holds records of another run" --config "$grid" --ratio 0 --limit 1 --out "$scratch/models" \
  --model "$scratch/tiny_model,$scratch/model"
sed '8s/"max_new_tokens": [0-9]*/"max_new_tokens": 7/' "$scratch/data.jsonl" >"$scratch/other_data.jsonl"
cp "$scratch/data.jsonl" "$scratch/same_data.jsonl"
mv "$scratch/other_data.jsonl" "$scratch/data.jsonl"
other 'data'
cp "$scratch/same_data.jsonl" "$scratch/data.jsonl"
equals "files of the run that was refused to others" "$before" "$(sums "$whole")"

# A path that is not a directory, and a directory with other files.
echo mine >"$scratch/file"
refuse 1 "$scratch/file: " --config "$grid" --out "$scratch/file"
refuse 1 "$scratch/file/below: " --config "$grid" --out "$scratch/file/below"
equals "a file in the place of the directory" mine "$(cat "$scratch/file")"
foreign() { # foreign PATTERN FILE: it is refused as a record file and left as it was
  mkdir "$scratch/foreign"
  cp "$2" "$scratch/foreign/records.jsonl"
  refuse 1 "$scratch/foreign/records.jsonl: $1" --config "$grid" --out "$scratch/foreign"
  same "a foreign records.jsonl" "$2" "$scratch/foreign/records.jsonl"
  equals "files beside a foreign records.jsonl" records.jsonl "$(ls "$scratch/foreign")"
  rm -r "$scratch/foreign"
}
foreign 'line 1: expected a JSON object' "$scratch/file"
foreign 'line 1: ' "$program"
foreign 'line 1: missing column key' "$answers"
printf 'notes without an end of line' >"$bad"
foreign '' "$bad"
sed '2s/.*"index"/{"index"/' "$whole/records.jsonl" >"$bad"
foreign 'line 2: missing column' "$bad"
sed 2p "$whole/records.jsonl" >"$bad"
foreign 'line 3: expected each answer once' "$bad"
mkdir "$scratch/beside"
echo mine >"$scratch/beside/notes.txt"
run beside
same_results "a directory with notes" whole beside
equals "notes beside a run" mine "$(cat "$scratch/beside/notes.txt")"

# A full disk: no file may grow beyond 100 kB.
full() { # full NAME FILE: the run fails, and names the file that it could not write
  output=$(trap '' XFSZ; ulimit -f 200; exec "$program" --config "$grid" --out "$scratch/$1" 2>&1)
  equals "exit code on a full disk" 1 $?
  equals "output on a full disk" "kvx-eval: $scratch/$1/$2: cannot write: File too large" "$output"
}
full full records.jsonl
equals "records on a full disk that do not belong to the run" 0 \
  "$(grep -cvxFf "$whole/records.jsonl" "$scratch/full/records.jsonl")"
[ -s "$scratch/full/records.jsonl" ] || fail "records on a full disk" "some" "none"
run full
same_results "a run after a full disk" whole full
rm "$scratch/full/results.json" "$scratch/full/results.csv"
full full records.jsonl.tmp
same "records, finished on a full disk" "$whole/records.jsonl" "$scratch/full/records.jsonl"
if [ -c /dev/full ]; then
  for arguments in --list-tasks "tool_call --print-config" "grade tool_call $answers" "plan 0.45 0.1" "--config $grid --out $whole"; do
    # shellcheck disable=SC2086
    "$program" $arguments >/dev/full 2>"$log"
    equals "exit code on a full stdout of: $arguments" 1 $?
    matches "stderr on a full stdout of: $arguments" '^kvx-eval: .*stdout' "$(cat "$log")"
  done
fi

# Perplexity and another task in one command, each with its own data.
"$program" tool_call,perplexity --contexts 1 --limit 2 --max-new-tokens 4 --ratio 0,0.5 --press knorm --max-length 256 --n-ppl 2 \
  --data examples/data/tool_world.jsonl.gz,perplexity=examples/data/story.txt --out "$scratch/both" >"$scratch/table" 2>"$log"
code=$?
equals "exit code of two tasks ($(cat "$log"))" 0 $code
matches "perplexity's table" '^\| knorm .* 0\.5 .* 2 ' "$(sed -n '/perplexity.story/,$p' "$scratch/table" | grep '^| knorm')"
equals "perplexities in results.csv" 2 "$(grep -c ',perplexity/story,perplexity,' "$scratch/both/results.csv")"

# Perplexity and latency: a file for each text, and one for all.
"$program" perplexity,latency --press knorm --ratio 0,0.5 --max-length 128 --n-ppl 2 --n-timing 2 --gen-tokens 3 --warmup 1 \
  --data perplexity=examples/data/story.txt,latency=examples/data/story.txt,latency=examples/data/catalog.txt \
  --out "$scratch/grid" >/dev/null 2>"$log"
code=$?
equals "exit code of perplexity and latency ($(cat "$log"))" 0 $code
equals "files of perplexity and latency" "kv_metrics.csv kv_metrics.json tiny_catalog_kv_metrics.csv tiny_catalog_kv_metrics.json \
tiny_story_kv_metrics.csv tiny_story_kv_metrics.json " "$(cd "$scratch/grid" && echo *kv_metrics* | tr '\n' ' ')"
equals "head of kv_metrics.csv" "model,dataset,press,compression_ratio,budget,query_aware,contexts,ppl,prefill_time,ttft,tpot,throughput,decode_time,\
total_generation_time,ppl_delta,prefill_speedup,ttft_speedup,tpot_speedup,throughput_ratio,ppl_contexts" \
  "$(sed 1q "$scratch/grid/kv_metrics.csv")"
equals "rows of kv_metrics.csv" 4 "$(grep -c '^tiny,' "$scratch/grid/kv_metrics.csv")"
equals "rows with a perplexity" 2 "$(grep -cE '^tiny,story,[a-z]+,[0-9.]+,,false,[0-9]+,[0-9.]+,' "$scratch/grid/kv_metrics.csv")"
matches "read bandwidth" '^this machine reads [0-9.]+ GB/s' "$(cat "$log")"
"$program" tool_call --press knorm --ratio 0,0.5 --limit 2 --max-new-tokens 3 --attempts 3 --temperature 1 --query-aware \
  --out "$scratch/attempts" >"$scratch/table" 2>"$log"
code=$?
equals "exit code of several attempts ($(cat "$log"))" 0 $code
equals "answers of several attempts" 18 "$(lines "$scratch/attempts/records.jsonl")"
matches "a query-aware cell" '^\| knorm query_aware ' "$(grep query_aware "$scratch/table")"
refuse 2 'attempts: expected 1 without a temperature, found 3' tool_call --attempts 3 --out "$scratch/none"
refuse 2 'temperature: expected 0 or more' tool_call --temperature -1 --out "$scratch/none"
refuse 2 'gen-tokens: expected a whole number of at least 2' latency --gen-tokens 1 --out "$scratch/none"
refuse 2 'prefix-ratio: expected a share' perplexity --prefix-ratio 1 --out "$scratch/none"
refuse 1 'examples/data/catalog.txt: expected at least 4000 tokens' perplexity --data examples/data/catalog.txt --max-length 4000 \
  --out "$scratch/none"
equals "contexts of a plan" "| 0.45 | 0.35 | 12                   | 0.4 | 170      | 2040    |" \
  "$("$program" plan 0.45 0.1 --context-samples 12 --icc 0.4 | sed -n 3p)"
matches "contexts of a plan from results" '^\| tiny +\| tool_call_6 +\| args_exact +\| 1 +\| 0\.8 +\| 2\.75 +\| unknown +\| [0-9]+ +\| [0-9]+ +\|$' \
  "$("$program" plan "$scratch/tiny" 0.2 | grep args_exact)"
mkdir "$scratch/cut"
{ cat "$scratch/tiny/records.jsonl" && head -c 40 "$scratch/tiny/records.jsonl"; } >"$scratch/cut/records.jsonl"
equals "a plan from records whose last line a run has not finished" "$("$program" plan "$scratch/tiny" 0.2)" \
  "$("$program" plan "$scratch/cut" 0.2)"
refuse 2 "$scratch: cannot|$scratch/records.jsonl: cannot open" plan "$scratch"
refuse 2 'plan: drop: expected ' plan 0.5 0.9
for base in 0 -0.1 1.5 abc nan 0x1; do
  refuse 2 "plan: expected a base's share of right answers, above 0 and at most 1, or a results directory; found '$base'" \
    plan "$base"
done
refuse 2 'plan: expected a base of at least 0.02 or a drop after it, found a base of 0.01' plan 0.01
refuse 2 "plan: drop: expected a number, found 'abc'" plan 0.5 abc
refuse 2 "plan: drop: expected a number, found 'nan'" plan 0.5 nan
refuse 2 'plan: drop: expected 0.001 to 1, found 0' plan 0.5 0
mkdir "$scratch/zero"
zeros='"args_exact":0,"call_exact":0,"json_valid":0,"name_match":0,"name_substring":0,"schema_valid":0'
sed 's/"metrics":{[^}]*}/"metrics":{'"$zeros"'}/' "$scratch/tiny/records.jsonl" >"$scratch/zero/records.jsonl"
refuse 2 "$scratch/zero: expected a drop of at most the highest base, 0.000000, found 0.05" plan "$scratch/zero"
refuse 2 'plan: expected --context-samples and --icc only with a base' plan "$scratch/tiny" --icc 0.1

# Forty caches of a long context in F32, in a third of the memory that they take without a limit.
ratios=$(awk 'BEGIN { for (i = 1; i <= 40; ++i) printf "%s0.%03d", (i > 1 ? "," : ""), i }')
gzip -dc examples/data/tool_call.jsonl.gz | awk 'length($0) > 20000 && ++long <= 2' >"$scratch/long.jsonl"
peak() { # peak NAME OPTION...: runs, and sets `peak`, the most kB in memory
  name=$1
  shift
  "$program" tool_call --data "$scratch/long.jsonl" --max-new-tokens 3 --max-context-length 1500 --press knorm \
    --ratio "$ratios" --dtype f32 --max-batch 512 --threads 2 --out "$scratch/$name" "$@" >/dev/null 2>"$log" &
  pid=$! peak=0
  while alive $pid; do
    now=$(awk '/^VmHWM:/ { print $2 }' "/proc/$pid/status" 2>/dev/null)
    peak=${now:-$peak}
    sleep 0.01
  done
  wait $pid
  code=$?
  equals "exit code with $* ($(cat "$log"))" 0 $code
}
peak roomy
limit=$((peak / 3))
peak narrow --memory ${limit}K
[ $peak -le $limit ] || fail "memory with --memory ${limit}K" "at most $limit kB" "$peak kB"
same_results "--memory ${limit}K, a third of the memory without a limit" roomy narrow
refuse 1 'memory: expected ' --config "$grid" --out "$scratch/tight" --memory 1M

# Many contexts in the batch: with little memory they wait for each other.
many() { # many NAME OPTION...
  name=$1
  shift
  "$program" tool_call --query-aware --press knorm,snapkv --ratio 0,0.5 --limit 40 --max-new-tokens 4 --dtype f32 \
    --max-batch 512 --threads 2 --out "$scratch/$name" "$@" >/dev/null 2>"$log"
  code=$?
  equals "exit code of many contexts with $* ($(cat "$log"))" 0 $code
}
many many
many few --memory 35M
same_results "many contexts in 35M" many few

# Another kernel path. This check is the last, because the variable stays set.
if ! grep -q '"kernel_path":"portable"' "$whole/run.json"; then
  KVX_ISA=portable
  export KVX_ISA
  other 'kernel path'
fi
exit $failed
