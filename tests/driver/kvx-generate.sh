# Usage: kvx-generate.sh PROGRAM   Checks exit codes, one-line errors, budgets and reproducible answers.
set -u
program=$1
failed=0
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

expect() { # expect CODE PATTERN ARGUMENT...: the exit code, and what one line of the output matches
  code=$1 pattern=$2
  shift 2
  output=$("$program" "$@" 2>&1)
  found=$?
  if [ $found -ne "$code" ] || ! printf '%s\n' "$output" | grep -qE -- "$pattern"; then
    printf 'kvx-generate %s\n  expected exit %s and /%s/, found exit %s and:\n%s\n' "$*" "$code" "$pattern" $found "$output"
    failed=1
  fi
}

context="--context examples/data/catalog.txt"
ask="-p Weather --max-new-tokens 3 $context"
# shellcheck disable=SC2086
{
  expect 0 '^snapkv +window=64, kernel=5 +arXiv:2404.14469$' --list-presses
  expect 0 'context cache 0.535 MB before, 0.535 MB after' $ask
  expect 0 'context cache 0.535 MB before, 0.267 MB after' $ask --press 'SnapKVPress(window_size=16)' --compression-ratio 0.5
  expect 0 '507 context .* press knorm' $ask --press knorm --keep 100
  expect 0 'before, 0.106 MB after' $ask --press knorm --keep 100
  expect 0 'before, 0.100 MB after' $ask --press knorm --kv-bytes 100400
  expect 0 '^int4 itself decides how much stays and ignores --ratio$' $ask --press int4 --ratio 0.5
  expect 0 'context \+ 0 question' -p Weather --max-new-tokens 1
  expect 2 "unknown press 'snapvk'; did you mean snapkv" $ask --press snapvk
  expect 2 '^kvx-generate: ratio: expected 0 <= ratio < 1, found 1.5' $ask --ratio 1.5
  expect 2 '^kvx-generate: temperature: expected 0 or more' $ask --temperature -1
  expect 2 '^kvx-generate: template: expected chatml, qwen2, qwen2.5, smollm2, none or a file with a chat template, found jinja' $ask --template jinja
  expect 2 'ratio.*keep|keep.*ratio' $ask --ratio 0.5 --keep 3
  expect 2 'prompt is required' $context
  expect 1 '^kvx-generate: model no/where: expected a directory' $ask --model no/where
  expect 1 'snapkv: a context of .* not longer than its window' -p Hi --press 'snapkv(window=4000)'
}
# A template that is not native is rendered by Jinja2. If Jinja2 does not run, an error names the packages to install.
printf '{%% for m in messages %%}{{ m.content }}{%% endfor %%}{{ raise_exception(more) if more }}' >"$scratch/t.jinja"
: >"$scratch/empty.jinja"
expect 0 '^qwen2.5 +Qwen2.5 Instruct' --list-templates
expect 2 '^kvx-generate: template-vars: expected a JSON object, found \[\]$' -p Hi --template-vars '[]'
expect 2 '^kvx-generate: template-date: expected YYYY-MM-DD, found today$' -p Hi --template-date today
jinja="-p Hi --max-new-tokens 1 --template $scratch/t.jinja"
# shellcheck disable=SC2086
if "$program" $jinja 2>&1 | grep -q 'which does not work'; then
  echo "Jinja templates: skipped, as Jinja2 does not run here"
  expect 1 'install python3, python3-jinja2 and bubblewrap, or choose' $jinja
else
  expect 0 '^[0-9]+ context \+ 0 question' $jinja
  expect 1 "^kvx-generate: $scratch/t.jinja: the chat template fails: TemplateError: no more$" $jinja --template-vars '{"more": "no more"}'
  expect 0 'note: the chat template does not read the variable other' $jinja --template-vars '{"other": 1}'
  expect 1 "^kvx-generate: $scratch/t.jinja: the chat template leaves out the tools$" $jinja --template-vars '{"tools": [{}]}'
  expect 1 "^kvx-generate: $scratch/empty.jinja: the chat template leaves out" -p Hi --template "$scratch/empty.jinja"
fi
printf 'ok \377' >"$scratch/latin"
expect 1 "^kvx-generate: $scratch/latin: expected UTF-8, found an invalid byte at 3\$" -p Hi --context "$scratch/latin"

sample() { "$program" -p Weather --temperature 2 --seed "$1" --max-new-tokens 20 2>/dev/null; }
if [ "$(sample 7)" != "$(sample 7)" ] || [ "$(sample 7)" = "$(sample 8)" ]; then
  echo "sampling is not reproduced by its seed, or does not depend on it"
  failed=1
fi
exit $failed
