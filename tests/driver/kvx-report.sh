# Usage: kvx-report.sh PROGRAM   Checks the files of a report, that its page needs no other file, exit codes and one-line
# errors. Pictures are checked if gnuplot is installed.
set -u
program=$1 driver=kvx-report
. "$(dirname "$0")/checks.sh"

# A run of two cells: call_exact falls, and perplexity hardly changes.
run=$scratch/run
mkdir "$run"
cat >"$run/results.csv" <<'END'
model,press,compression_ratio,budget,query_aware,task,metric,value,n,contexts,low,high,change,change_low,change_high,p,holm_p,better
a/b c,none,0,,false,tool_call_2,call_exact,1,9,9,0.7,1,,,,,,more
a/b c,none,0,,false,tool_call_2,memory_retained,1,9,9,,,,,,,,more
a/b c,"knorm<i>",0.5,,false,tool_call_2,call_exact,0.25,9,9,0.1,0.5,-0.75,-0.9,-0.5,0.01,0.02,more
a/b c,"knorm<i>",0.5,,false,tool_call_2,memory_retained,0.5,9,9,,,,,,,,more
a/b c,none,0,,false,perplexity/story,perplexity,20,4,4,15,25,,,,,,more
a/b c,"knorm<i>",0.5,,false,perplexity/story,perplexity,20.5,4,4,16,26,,,,,,more
END
cat >"$run/b_kv_metrics.csv" <<'END'
model,dataset,press,compression_ratio,budget,query_aware,contexts,ppl,prefill_time,ttft,tpot,throughput,decode_time,total_generation_time,ppl_delta,prefill_speedup,ttft_speedup,tpot_speedup,throughput_ratio
b c,story,none,0,,false,4,20,1,1.1,0.04,25,2,3.1,0,1,1,1,1
b c,story,knorm<i>,0.5,,false,4,20.5,1,1.1,,50,1,2.1,0.5,1,1,,2
END
cat >"$run/degradation.csv" <<'END'
model,press,compression_ratio,budget,query_aware,task,metric,n,contexts,texts,verdict,sds,sds_low,sds_high,drop,drop_low,drop_high,rise,rise_low,rise_high,p,implied_quality
a/b c,"knorm<i>",0.5,,false,tool_call_2,call_exact,9,9,4,maximally silent,,,,0.75,0.5,0.9,-0.01,-0.02,0,0.01,1.01
END
record() { # record PRESS RATIO STATE EXACT ANSWER
  printf '{"key":"0123456789abcdef","model":"a/b c","task":"tool_call_2","graded_as":"tool_call","press":"%s","ratio":%s,"budget":"","query_aware":false,"index":3,"attempt":0,"state":"%s","metrics":{"args_exact":null,"call_exact":%s,"json_valid":null,"name_match":null,"name_substring":null,"schema_valid":null},"detail":"","kept_bytes":1,"full_bytes":2,"max_new_tokens":8,"predicted_answer":"%s","answer":"right","answer_prefix":"","question":"which?","context":"all of it"}\n' "$@"
}
{
  record none 0 exact 1 '<right & good>'
  record 'knorm<i>' 0.5 unparsed 0 '</pre><script src=x>'
} >"$run/records.jsonl"
echo 'dtype: "bf16"' >"$run/config.yaml"

out=$scratch/out
"$program" "$run" --out "$out" --gnuplot no-such-program >"$scratch/stdout" 2>"$scratch/log"
equals "exit code without gnuplot" 0 $?
"$program" "$run" --gnuplot no-such-program >/dev/null 2>&1
equals "files of a report without --out" "RESULTS.md report.html " "$(ls "$run/report" | tr '\n' ' ')"
rm -r "$run/report"
matches "warning without gnuplot" 'no program no-such-program.* install the package gnuplot-nox' "$(cat "$scratch/log")"
equals "files without gnuplot" "RESULTS.md report.html " "$(ls "$out" | tr '\n' ' ')"
matches "summary" '^Function is significantly below .* in 1 of 1 cells; in 1 of these perplexity' "$(cat "$out/RESULTS.md")"
matches "score" '\*\*maximally silent\*\*' "$(cat "$out/RESULTS.md")"
matches "setting" '^\| dtype +\| bf16 ' "$(cat "$out/RESULTS.md")"
matches "answer" '&lt;/pre&gt;&lt;script src=x&gt;' "$(cat "$out/report.html")"
equals "a sample's context, which is long" "" "$(grep 'all of it' "$out/report.html")"

if command -v gnuplot >/dev/null; then
  "$program" "$run" --out "$out" --time-metric throughput 2>"$scratch/log"
  equals "exit code" 0 $?
  equals "lines on stderr" 1 "$(awk 'END { print NR }' "$scratch/log")"
  equals "pictures" "plots/story/b_c_story_ppl_vs_compression.png
plots/story/b_c_story_throughput_vs_compression.png
plots/tool_call_2/b_c_tool_call_2_divergence.png
plots/tool_call_2/b_c_tool_call_2_heatmap.png
plots/tool_call_2/b_c_tool_call_2_states.png" "$(cd "$out" && find plots -type f | sort)"
  for picture in $(cd "$out" && find plots -type f); do
    equals "first bytes of $picture" PNG "$(head -c 4 "$out/$picture" | tail -c 3)"
    matches "link to $picture" "\]\($picture\)" "$(cat "$out/RESULTS.md")"
  done
  equals "pictures in the page" 5 "$(grep -c '<figure><svg' "$out/report.html")"
  equals "ids that occur twice" "" "$(grep -oE " id=[\"'][^\"']+" "$out/report.html" | cut -c 6- | sort | uniq -d)"
  echo >"$scratch/file"
  refuse 1 "$scratch/file/x: cannot create the directory" "$run" --out "$scratch/file/x"
fi
equals "what the page would load" "" "$(grep -oiE '(src|href|data)=.?([a-z]*:)?//[^ ]*|url\([^#)][^)]*|@import|<(script|link|img|iframe)[^>]*' "$out/report.html")"

cp "$run/results.csv" "$scratch/again.csv"
"$program" "$scratch/again.csv" --out "$scratch/csv" --gnuplot none 2>/dev/null
equals "exit code for only a results.csv" 0 $?
matches "samples of only a results.csv" '^none$' "$(grep -c '"flipped"' "$scratch/csv/report.html" | sed 's/^0$/none/')"

# Instructions and leakage: a press and its fair form, the rows that they keep, and a shaded prompt.
pit=$scratch/pit
mkdir "$pit"
cat >"$pit/results.csv" <<'END'
model,press,compression_ratio,budget,query_aware,task,metric,value,n,contexts,low,high,change,change_low,change_high,p,holm_p,better
m,none,0,,false,leakage,rougeL_recall,0.1,9,9,0,0.2,,,,,,more
m,knorm,0.5,,false,leakage,rougeL_recall,0.4,9,9,0.2,0.6,0.3,0.1,0.5,0.01,0.02,more
m,fair(knorm),0.5,,false,leakage,rougeL_recall,0.2,9,9,0,0.4,0.1,0,0.2,0.2,0.2,more
m,none,0,,false,ifeval,inst_strict,0.8,48,48,0.6,0.9,,,,,,more
m,knorm,0.5,,false,ifeval,inst_strict,0.5,48,48,0.3,0.7,,,,,,more
END
cat >"$pit/groups.csv" <<'END'
model,press,compression_ratio,budget,query_aware,task,group,metric,value,n,contexts,low,high,change,change_low,change_high
m,none,0,,false,ifeval,keywords,strict,0.9,24,24,0.8,1,,,
m,none,0,,false,ifeval,startend,strict,0.7,24,24,0.5,0.9,,,
m,knorm,0.5,,false,ifeval,keywords,strict,0.3,24,24,0.1,0.5,-0.6,-0.8,-0.4
m,knorm,0.5,,false,ifeval,startend,strict,0.7,24,24,0.5,0.9,0,-0.1,0.1
m,none,0,,false,leakage,defense/standard,rougeL_recall,0.1,9,9,,,,,
m,knorm,0.5,,false,leakage,defense/standard,rougeL_recall,0.4,9,9,,,0.3,,
END
cat >"$pit/kept_spans.csv" <<'END'
model,press,compression_ratio,budget,query_aware,task,span,contexts,tokens,share_kept,share_kept_of_all,relative
m,knorm,0.5,,false,leakage,all,1,8,0.5,0.5,1
m,knorm,0.5,,false,leakage,defense,1,4,0.25,0.5,0.5
END
cat >"$pit/kept_heads.csv" <<'END'
model,press,compression_ratio,budget,query_aware,task,span,layer,head,contexts,tokens,kept
m,knorm,0.5,,false,leakage,all,0,0,1,8,4
m,knorm,0.5,,false,leakage,defense,0,0,1,4,1
END
{
  echo model,press,compression_ratio,budget,query_aware,task,token,entropy,n,contexts,base,change,paired
  echo m,knorm,0.5,,false,leakage,0,1.5,5,5,1,0.5,5
} >"$pit/entropy.csv"
printf '%s\n' '[{"model":"m","task":"leakage","index":0,"heads":2,"tokens":["<b>","\n"],"spans":[{"name":"defense","first":1,"last":2}],"cells":[{"press":"knorm","compression_ratio":0.5,"budget":"","query_aware":false,"kept_by":[1,0]}]}]' >"$pit/kept_text.json"
"$program" "$pit" --out "$scratch/pit.out" --gnuplot none 2>/dev/null
equals "exit code for instructions and leakage" 0 $?
for line in 'with knorm at ratio 0.5, keywords loses most .−0.60, to 0.30. and startend least' \
  'leakage .* rises by 0.30 .0.10, 0.50. to 0.40 .p = 0.020.; with fair.knorm. it is 0.20, −0.20' \
  '^\| knorm .*keywords +\| startend +\| 0.40 +\| \*\*0.30 .0.10, 0.50. ↓\*\*' '^## Prompts, shaded' \
  '^\| knorm .* 0.25 .×.*0.50. +\| 0.50' '^\| knorm .* 1.500 +\| \+0.500'; do
  matches "$line" "$line" "$(cat "$scratch/pit.out/RESULTS.md")"
done
matches "shaded token" '<i style="--kept:0.5" title="token 0: kept by 1 of 2 heads">&lt;b&gt;</i>' \
  "$(cat "$scratch/pit.out/report.html")"
if command -v gnuplot >/dev/null; then
  "$program" "$pit" --out "$scratch/pit.1" 2>/dev/null
  "$program" "$pit" --out "$scratch/pit.2" 2>/dev/null
  equals "same files again" "" "$(diff -r "$scratch/pit.1" "$scratch/pit.2")"
  equals "pictures of instructions and leakage" "plots/ifeval/m_ifeval_classes_knorm.png
plots/ifeval_leakage/m_ifeval_leakage_following_knorm.png
plots/leakage/m_leakage_defenses_knorm.png
plots/leakage/m_leakage_entropy_knorm.png
plots/leakage/m_leakage_kept_by_layer.png
plots/leakage/m_leakage_kept_knorm.png" "$(cd "$scratch/pit.1" && find plots -type f | LC_ALL=C sort)"
fi
sed '4s/,0.3,24/,0.3,x/' "$pit/groups.csv" >"$scratch/groups.csv"
mv "$scratch/groups.csv" "$pit/groups.csv"
refuse 1 "$pit/groups.csv: line 4: column n: expected a number, found 'x'" "$pit"
rm "$pit/groups.csv"
echo '[{"model":"m"}]' >"$pit/kept_text.json"
refuse 1 "$pit/kept_text.json.*: missing field task" "$pit"

refuse 2 'inputs is required' --out "$scratch/none"
refuse 2 '.*--time-metric.*speed' "$run" --time-metric speed
refuse 1 "$scratch/none: cannot open" "$scratch/none"
refuse 1 "$scratch: expected results.csv or a" "$scratch"
sed '4s/,0.25,/,0.26,/' "$run/results.csv" >"$scratch/again.csv"
refuse 1 "$scratch/again.csv: line 4: expected each cell's metric once, found .*another value" "$run" "$scratch/again.csv"
sed '3s/,1,/,one,/' "$run/results.csv" >"$scratch/bad.csv"
refuse 1 "$scratch/bad.csv: line 3: column value: expected a number, found 'one'" "$scratch/bad.csv"
cut -d , -f 1-12 "$run/results.csv" >"$scratch/bad.csv"
refuse 1 "$scratch/bad.csv: line 1: expected a column change, found model,press" "$scratch/bad.csv"
echo '{}' >"$run/records.jsonl"
refuse 1 "$run/records.jsonl: line 1: missing column graded_as" "$run"
exit $failed
