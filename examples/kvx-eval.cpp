// Evaluates a grid of presses on tasks, or grades answers that another engine gave.
#include <yaml-cpp/yaml.h>
#include <CLI/CLI.hpp>
#include <kvx/core/error.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/eval/cell_ratios.hpp>
#include <kvx/eval/degradation.hpp>
#include <kvx/eval/evaluation.hpp>
#include <kvx/eval/grade_file.hpp>
#include <kvx/eval/groups_markdown.hpp>
#include <kvx/eval/latency_text.hpp>
#include <kvx/eval/memory.hpp>
#include <kvx/eval/output_file.hpp>
#include <kvx/eval/part_groups.hpp>
#include <kvx/eval/plan_table.hpp>
#include <kvx/eval/report_markdown.hpp>
#include <kvx/eval/results.hpp>
#include <kvx/eval/run_times_json.hpp>
#include <kvx/eval/write_results.hpp>
#include <kvx/io/read_matrix.hpp>
#include <kvx/kernels/packed_matrix.hpp>
#include <kvx/press/named_spans.hpp>
#include <kvx/press/registry.hpp>
#include <kvx/press/written.hpp>
#include <kvx/score/sample.hpp>
#include <kvx/score/system_prompt.hpp>
#include <kvx/score/tasks.hpp>
#include <kvx/text/chat_template.hpp>
#include <kvx/version.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace {

/// The options as text, by name, as they stand on a command line and in a YAML file.
using Texts = std::map<std::string, std::string>;

/// An option of the command line and of a YAML file. One without flags is given by words, or is a switch: `--NAME` and
/// `--no-NAME`.
struct Option {
  const char *name, *flags, *help;
  const char* preset = nullptr;  ///< the default; null for none

  bool is_switch() const { return *flags == 0 && *help != 0; }
};

constexpr std::array<Option, 50> kOptions = {{
    {"tasks", "", ""},
    {"model", "--model",
     "[NAME=]directory, or [ORG/]NAME[@REVISION] in the local Hugging Face cache; several with commas",
     "examples/models/tiny"},
    {"press", "--press,--press-name", "presses with commas, such as snapkv,knorm or snapkv(window=32)",
     "snapkv,knorm,expected_attention"},
    {"ratio", "--ratio,--compression-ratio",
     "shares of the rows to remove, with commas, or FIRST:LAST:COUNT (default 0,0.25,0.5,0.75)"},
    {"keep", "--keep", "exact number of rows to keep per KV head, instead of a ratio; the base is also run"},
    {"kv-bytes", "--kv-bytes",
     "bytes of cache to keep, in the press's own format, instead of a ratio; the base is also run"},
    {"data", "--data",
     "FILE, or TASK=FILE,...: JSONL with the six columns, HumanEval, MBPP, BFCL, xLAM, ToolACE or IFEval, plain or "
     "gzip; system prompts for leakage; for perplexity and latency a text; a task named again has several",
     "tool_call=examples/data/tool_world.jsonl.gz,code_exec=examples/data/code.jsonl,perplexity=examples/data/"
     "story.txt,"
     "latency=examples/data/story.txt,ifeval=examples/data/ifeval/sys_ifeval.jsonl.gz,"
     "leakage=examples/data/leakage/system_prompts.jsonl"},
    {"contexts", "--contexts", "contexts to use from the start of each JSONL file, with all their samples; 0: all",
     "0"},
    {"limit", "--limit,--max-samples", "samples to use from each JSONL file, spread over its contexts; 0: all", "0"},
    {"skip-ids", "--skip-ids", "lines to skip, by their key, id or task_id, with commas", ""},
    {"system-prompt-prepend", "--system-prompt-prepend", "the beginning of system prompts of ifeval and leakage",
     kvx::SystemPrompt::kPrepend.data()},
    {"defense", "--defense,--defense-template-key",
     "the defense of ifeval's system prompts, by its key; empty for none", ""},
    {"defenses", "--defenses,--defense-templates", "the defenses of leakage, by their keys, with commas, or all",
     "all"},
    {"defenses-file", "--defenses-file,--defense-template-path", "defense templates by key, in JSON",
     "examples/data/leakage/defenses.json"},
    {"attacks-file", "--attacks-file,--attack-path", "attacks of leakage, in JSONL",
     "examples/data/leakage/attacks.jsonl"},
    {"attack-categories", "--attack-categories", "with commas, or all", "all"},
    {"prompts-per-category", "--prompts-per-category,--prompts-per-attack-category",
     "attacks to use from the start of each category; 0: all", "0"},
    {"n-system-prompts", "--n-system-prompts", "system prompts to use for leakage, from the first on; 0: all", "100"},
    {"ifeval-models", "--ifeval-models", "folder with the models of sentences and languages that ifeval needs",
     "examples/data/ifeval"},
    {"leak-threshold", "--leak-threshold", "the smallest ROUGE-L recall that makes an answer a leak", "0.5"},
    {"span", "--span",
     "[NAME=]FIRST:LAST, tokens of every context for fair and protect, with commas; the first span without a name is "
     "the defense, the second the instructions",
     ""},
    {"generate", "", "generate answers to the samples; --no-generate only analyzes which tokens are kept", "true"},
    {"entropy", "", "record how uncertain the model was about each token of an answer", "false"},
    {"analyze-kept-tokens", "", "count which tokens of each prompt every cell keeps, by span, layer and head", "false"},
    {"max-length", "--max-length", "tokens of each piece of a text", "1024"},
    {"prefix-ratio", "--prefix-ratio", "the share of a piece that is compressed; the rest is predicted", "0.5"},
    {"n-ppl", "--n-ppl", "pieces of each text to use for perplexity, from the first on; 0: all", "20"},
    {"n-timing", "--n-timing", "pieces of each text to use for latency, from the first on; 0: all", "20"},
    {"gen-tokens", "--gen-tokens", "tokens generated after each piece for latency", "32"},
    {"warmup", "--warmup", "generations for latency that are run first and not counted", "4"},
    {"references", "", "let perplexity predict the reference answers of the other tasks too", "false"},
    {"query-aware", "", "add cells that compress context and question together, with a prefill for each question",
     "false"},
    {"attempts", "--attempts,--n-samples", "answers to each sample, for pass@k; more than 1 needs a temperature", "1"},
    {"temperature", "--temperature", "0 is greedy", "0"},
    {"top-p", "--top-p", "sample from the fewest tokens whose probabilities sum to this", "1"},
    {"top-k", "--top-k", "sample from this many of the most likely tokens; 0: all", "0"},
    {"max-new-tokens", "--max-new-tokens",
     "longest answer in tokens, for all tasks or as TASK=COUNT,...; 0: as each sample says", "0"},
    {"max-context-length", "--max-context-length", "cut longer contexts to this many tokens; 0: do not cut", "0"},
    {"dtype", "--dtype", "of the cache: bf16 or f32", "bf16"},
    {"weights", "--weights", "bf16, f32 or int8; default: as --dtype"},
    {"template", "--template", "chat template: chatml, none or qwen2.5; default: the model's own", ""},
    {"think", "--think", "OPEN,CLOSE: marks of thoughts, besides <think>,</think> and those of the chat template", ""},
    {"tool-format", "--tool-format",
     "other engines' forms of calls to accept: plain (none), auto (all), or tool_calls, function, function_call, "
     "parameters, string, missing joined by +; default: as the chat template asks for; for grade, plain",
     ""},
    {"seed", "--seed", "random seed of sampling, and of random presses that do not set their own"},
    {"threads", "--threads", "0 takes every core", "0"},
    {"memory", "--memory", "memory that the process may use, such as 4G", "4G"},
    {"max-batch", "--max-batch", "sequences decoded at a time", "64"},
    {"draft", "",
     "answer from the base first, and feed its tokens to the other cells as drafts; the answers are the same", "false"},
    {"log-level", "--log-level", "what is said on stderr: error, info (with a bar) or debug (a line for each answer)",
     "info"},
    {"out", "--out,--output-dir", "directory for records and results", ""},
}};

/// Whether a YAML file means `option` by `name`: its own name or one of its flags, with - or _.
bool is_named(const Option& option, std::string name) {
  std::replace(name.begin(), name.end(), '_', '-');
  return name == option.name || ("," + std::string(option.flags) + ",").find(",--" + name + ",") != std::string::npos;
}

/// The options of a YAML file; a sequence becomes a list with commas. Throws kvx::Error.
Texts read_config(const std::string& path) try {
  const YAML::Node file = YAML::LoadFile(path);
  if (!file.IsMap()) throw kvx::Error(path, "expected YAML with one option a line, found something else");
  Texts texts;
  for (const auto& member : file) {
    const auto given = member.first.as<std::string>();
    const auto option =
        std::find_if(kOptions.begin(), kOptions.end(), [&](const auto& o) { return is_named(o, given); });
    if (option == kOptions.end()) throw kvx::Error(path, "unknown option " + given);
    std::string text;
    if (member.second.IsSequence())
      for (const auto& element : member.second) text += (text.empty() ? "" : ",") + element.as<std::string>();
    else
      text = member.second.IsNull() ? "" : member.second.as<std::string>();
    texts[option->name] = text;
  }
  return texts;
} catch (const kvx::Error&) {
  throw;
} catch (const std::exception& error) {
  throw kvx::Error(path, std::string("expected YAML with one option a line, found: ") + error.what());
}

std::string config_text(const Texts& texts) {
  YAML::Emitter out;
  out << YAML::BeginMap;
  for (const auto& [name, text] : texts) out << YAML::Key << name << YAML::Value << YAML::DoubleQuoted << text;
  out << YAML::EndMap;
  return std::string(out.c_str()) + "\n";
}

double number(const std::string& name, std::string_view text) {
  double value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || end != text.data() + text.size())
    throw kvx::Error(name, "expected a number, found '" + std::string(text) + "'");
  return value;
}

std::size_t whole(const std::string& name, const std::string& text, std::size_t least, double most = 1e15) {
  const double value = number(name, text);
  if (!(value >= static_cast<double>(least) && value <= most) || value != std::floor(value))
    throw kvx::Error(name, "expected a whole number from " + std::to_string(least) + " on, found " + text);
  return static_cast<std::size_t>(value);
}

bool flag(const std::string& name, const std::string& text) {
  if (text != "true" && text != "false") throw kvx::Error(name, "expected true or false, found " + text);
  return text == "true";
}

/// What stands between commas; nothing of an empty text.
std::vector<std::string> list(const std::string& text) {
  std::vector<std::string> parts;
  if (text.empty()) return parts;
  for (const auto part : kvx::split_presses(text)) parts.emplace_back(part);
  return parts;
}

/// A ratio, or COUNT ratios from FIRST to LAST, written FIRST:LAST:COUNT.
void add_ratios(std::vector<double>& ratios, const std::string& text) {
  const auto first = text.find(':'), second = text.find(':', first + 1);
  if (first == text.npos) return ratios.push_back(number("ratio", text));
  if (second == text.npos) throw kvx::Error("ratio", "expected FIRST:LAST:COUNT, found '" + text + "'");
  const double begin = number("ratio", text.substr(0, first)),
               end = number("ratio", text.substr(first + 1, second - first - 1));
  const std::size_t count = whole("ratio", text.substr(second + 1), 2, 1e6);
  for (std::size_t i = 0; i < count; ++i)
    ratios.push_back(begin + (end - begin) * static_cast<double>(i) / static_cast<double>(count - 1));
}

/// The file for all tasks and those of one task, of `FILE` and `TASK=FILE` with commas.
std::pair<std::string, std::map<std::string, std::vector<std::string>>> data_of(const std::string& text,
                                                                                const kvx::TaskRegistry& tasks) {
  std::pair<std::string, std::map<std::string, std::vector<std::string>>> all;
  for (const auto& data : list(text)) {
    const auto task = std::find_if(tasks.tasks().begin(), tasks.tasks().end(),
                                   [&](const auto& t) { return data.starts_with(std::string(t.name()) + "="); });
    if (task != tasks.tasks().end())
      all.second[std::string(task->name())].push_back(data.substr(task->name().size() + 1));
    else
      all.first = data;
  }
  return all;
}

/// The default of an option.
const char* preset_of(std::string_view name) {
  return std::find_if(kOptions.begin(), kOptions.end(), [&](const Option& option) { return option.name == name; })
      ->preset;
}

/// How to turn predictions into answers, by the options. Throws kvx::Error.
kvx::AnswerReading reading_of(const Texts& texts) {
  kvx::AnswerReading reading;
  if (const auto& marks = texts.at("think"); !marks.empty())
    reading.thoughts.push_back(kvx::parse_thought_marks(marks));
  if (const auto& forms = texts.at("tool-format"); !forms.empty()) reading.tool_forms = kvx::ToolForms::parse(forms);
  return reading;
}

/// Throws kvx::Error, naming the option, if a default path does not exist. They exist only in kvx's source folder.
void expect_defaults(const kvx::EvalOptions& options, const std::string& ifeval_models) {
  const auto expect = [](const std::string& path, const std::string& preset, const std::string& option) {
    if (path == preset && !std::filesystem::exists(path))
      throw kvx::Error(path, "this default path exists only in kvx's source folder; choose another with " + option);
  };
  for (const auto& model : options.models) expect(model, preset_of("model"), "--model");
  const std::string presets = preset_of("data");
  for (const auto& task : options.tasks)
    if (const auto files = options.task_data.find(task); files != options.task_data.end())
      for (const auto& file : files->second)
        if (("," + presets + ",").find("," + task + "=" + file + ",") != std::string::npos)
          expect(file, file, "--data " + task + "=FILE");
  if (std::ranges::count(options.tasks, kvx::IfevalTask::name) > 0)
    expect(ifeval_models, preset_of("ifeval-models"), "--ifeval-models");
  if (std::ranges::count(options.tasks, kvx::LeakageTask::name) > 0) {
    expect(options.system.defenses_file, preset_of("defenses-file"), "--defenses-file");
    expect(options.system.attacks_file, preset_of("attacks-file"), "--attacks-file");
  }
}

/// Checks what can be checked without reading a file. Throws kvx::Error.
kvx::EvalOptions options_of(Texts texts, const kvx::TaskRegistry& tasks) {
  kvx::EvalOptions options;
  options.tasks = list(texts["tasks"]);
  options.models = list(texts["model"]);
  options.presses = list(texts["press"]);
  if (texts.contains("keep")) options.keep = static_cast<kvx::Index>(whole("keep", texts["keep"], 1));
  if (texts.contains("kv-bytes")) options.kv_bytes = whole("kv-bytes", texts["kv-bytes"], 1);
  const bool rows = options.keep || options.kv_bytes;
  if (rows && texts.contains("ratio")) throw kvx::Error("ratio", "expected alone, found with keep or kv-bytes");
  const std::string ratios = rows ? "0" : texts["ratio"];
  for (const auto& ratio : list(ratios)) add_ratios(options.ratios, ratio);
  const auto [data, task_data] = data_of(texts["data"], tasks);
  options.data = data;
  options.task_data = task_data;
  if (data.empty())  // what is named for one task leaves the others what they have
    options.task_data.merge(data_of(preset_of("data"), tasks).second);
  options.pieces.length = static_cast<kvx::Index>(whole("max-length", texts["max-length"], 3));
  options.pieces.prefix_ratio = number("prefix-ratio", texts["prefix-ratio"]);
  if (!(options.pieces.prefix_ratio > 0 && options.pieces.prefix_ratio < 1))
    throw kvx::Error("prefix-ratio", "expected a share between 0 and 1, found " + texts["prefix-ratio"]);
  options.pieces.most = whole("n-ppl", texts["n-ppl"], 0);
  options.timing.pieces = whole("n-timing", texts["n-timing"], 0);
  options.timing.gen_tokens = static_cast<kvx::Index>(whole("gen-tokens", texts["gen-tokens"], 2));
  options.timing.warm_ups = whole("warmup", texts["warmup"], 0);
  options.references = flag("references", texts["references"]);
  options.query_aware = flag("query-aware", texts["query-aware"]);
  options.attempts = whole("attempts", texts["attempts"], 1, 1e6);
  options.sampler.temperature = number("temperature", texts["temperature"]);
  options.sampler.top_p = number("top-p", texts["top-p"]);
  options.sampler.top_k = static_cast<int>(whole("top-k", texts["top-k"], 0, 1e9));
  (void)kvx::Sampler(options.sampler);
  if (options.attempts > 1 && options.sampler.temperature == 0)
    throw kvx::Error("attempts", "expected 1 without a temperature, found " + texts["attempts"]);
  options.samples.contexts = whole("contexts", texts["contexts"], 0);
  options.samples.samples = whole("limit", texts["limit"], 0);
  options.skip_ids = list(texts["skip-ids"]);
  options.system.prepend = texts["system-prompt-prepend"];
  options.system.defense = texts["defense"];
  options.system.defenses_file = texts["defenses-file"];
  options.system.attacks_file = texts["attacks-file"];
  if (texts["defenses"] != "all") options.system.leakage.defenses = list(texts["defenses"]);
  if (texts["attack-categories"] != "all") options.system.leakage.attack_categories = list(texts["attack-categories"]);
  options.system.leakage.prompts_per_category = whole("prompts-per-category", texts["prompts-per-category"], 0);
  options.system.leakage.system_prompts = whole("n-system-prompts", texts["n-system-prompts"], 0);
  options.spans = kvx::parse_named_spans(list(texts["span"]));
  options.system.leak.threshold = number("leak-threshold", texts["leak-threshold"]);
  options.generate = flag("generate", texts["generate"]);
  options.entropy = flag("entropy", texts["entropy"]);
  options.analyze_kept = flag("analyze-kept-tokens", texts["analyze-kept-tokens"]);
  if (!options.generate && !options.analyze_kept)
    throw kvx::Error("generate", "expected true where analyze-kept-tokens is not, found false");
  for (const auto& tokens : list(texts["max-new-tokens"])) {
    const auto equals = tokens.find('=');
    const auto count =
        static_cast<kvx::Index>(whole("max-new-tokens", equals == tokens.npos ? tokens : tokens.substr(equals + 1), 0));
    if (equals == tokens.npos)
      options.max_new_tokens = count;
    else
      options.task_max_new_tokens[std::string(tasks.at(tokens.substr(0, equals)).name())] = count;
  }
  options.max_context_length = static_cast<kvx::Index>(whole("max-context-length", texts["max-context-length"], 0));
  if (texts["dtype"] != "bf16" && texts["dtype"] != "f32")
    throw kvx::Error("dtype", "expected bf16 or f32, found " + texts["dtype"]);
  options.dtype = texts["dtype"] == "f32" ? kvx::Dtype::f32 : kvx::Dtype::bf16;
  options.weights = kvx::parse_weight_format(texts.contains("weights") ? texts["weights"] : texts["dtype"]);
  options.chat = texts["template"];
  const kvx::AnswerReading reading = reading_of(texts);
  options.thoughts.assign(reading.thoughts.begin() + 1, reading.thoughts.end());
  if (!texts["tool-format"].empty()) options.tool_forms = reading.tool_forms;
  if (texts.contains("seed")) options.sampler.seed = *(options.seed = whole("seed", texts["seed"], 0));
  options.threads = static_cast<int>(whole("threads", texts["threads"], 0, 1024));
  options.memory = kvx::parse_bytes(texts["memory"]);
  options.max_batch = static_cast<kvx::Index>(whole("max-batch", texts["max-batch"], 1));
  options.draft = flag("draft", texts["draft"]);
  if (texts["log-level"] != "error" && texts["log-level"] != "info" && texts["log-level"] != "debug")
    throw kvx::Error("log-level", "expected error, info or debug, found " + texts["log-level"]);
  options.progress = texts["log-level"] == "info";
  options.out = texts["out"];
  options.config = config_text(texts);
  for (const auto& task : options.tasks) (void)tasks.at(task);
  for (const auto& press : options.presses) (void)kvx::kvx_presses().parse(press, {.read = kvx::read_matrix});
  for (const double ratio : options.ratios) (void)kvx::Allowance::of_ratio(ratio);
  if (!options.chat.empty()) (void)kvx::ChatTemplate::parse_name(options.chat);
  if (options.out.empty()) throw kvx::Error("out", "expected a directory, found nothing");
  return options;
}

void print(const std::string& text) {
  if (std::fputs(text.c_str(), stdout) < 0 || std::fflush(stdout) != 0)
    throw kvx::Error("stdout", std::string("cannot write: ") + std::strerror(errno));
}

/// How samples are grouped into contexts, for a plan without results.
struct PlanOptions {
  double context_samples = 1, icc = 0;
};

/// A table of how many contexts are needed to detect a drop from a base's share of right answers. Throws kvx::Error.
std::string plan_text(const std::vector<std::string>& words, const PlanOptions& given) {
  if (words.size() < 2)
    throw kvx::Error("plan", "expected a base's share of right answers or a results directory, as in: plan 0.45 0.1");
  std::vector<double> drops;
  for (std::size_t i = 2; i < words.size(); ++i) drops.push_back(number("plan", words[i]));
  std::vector<kvx::PlanBasis> bases;
  if (std::filesystem::is_directory(words[1])) {
    std::vector<kvx::Record> records;
    kvx::each_jsonl_row(words[1] + "/records.jsonl",
                        [&](const kvx::JsonlRow& row) { records.push_back(kvx::record_of(row)); });
    bases = kvx::plan_bases(records);
    if (bases.empty()) throw kvx::Error(words[1], "expected answers of the base that pass or fail, found none");
    if (drops.empty()) drops = {0.2, 0.1, 0.05};
  } else {
    bases = {{.base = number("plan", words[1]), .context_samples = given.context_samples, .icc = given.icc}};
    if (drops.empty())
      for (const double drop : {0.3, 0.2, 0.1, 0.05, 0.02})
        if (drop <= bases.front().base) drops.push_back(drop);
  }
  return kvx::plan_markdown(bases, drops);
}

/// Prints the grades of a file, and on stderr how many rows were skipped. Throws kvx::Error.
void grade(const kvx::TaskRegistry& tasks, const std::string& task, const std::string& path, const Texts& texts) {
  const auto threads = static_cast<int>(whole("threads", texts.at("threads"), 0, 1024));
  const kvx::GradedFile graded = kvx::grade_file(tasks, task, path, reading_of(texts), threads);
  for (const auto& [other, count] : graded.others)
    std::fprintf(stderr, "kvx-eval: %s: skipped %zu answers of %s\n", path.c_str(), count, other.c_str());
  print(graded.json + "\n");
}

void evaluate(const kvx::EvalOptions& options, const kvx::TaskRegistry& tasks, const std::string& log_level) {
  kvx::Evaluation evaluation(options, tasks, kvx::kvx_presses());
  if (log_level != "error")
    if (const auto ignored = kvx::ignored_budgets(evaluation.cells()); !ignored.empty())
      std::fprintf(stderr, "%s", ignored.c_str());
  const std::string out = options.out + "/";
  const std::string config_file = out + std::string(kvx::kConfigFile);
  if (evaluation.missing() > 0 || options.analyze_kept || !std::filesystem::exists(config_file))
    kvx::replace_file(config_file, options.config);
  std::function<void(const kvx::Record&)> on_record;
  if (log_level == "debug")
    on_record = [](const kvx::Record& record) {
      std::fprintf(stderr, "%s %s ratio %g sample %zu: %s\n", record.task.c_str(), record.cell().label().c_str(),
                   record.ratio, record.index, record.state.c_str());
    };
  std::size_t notes = 0;
  const auto print_notes = [&](const std::vector<std::string>& all) {
    for (; notes < all.size() && log_level != "error"; ++notes) std::fprintf(stderr, "note: %s\n", all[notes].c_str());
  };
  print_notes(evaluation.notes());
  const kvx::RunTimes times = evaluation.run(on_record);
  print_notes(times.notes);
  const std::vector<kvx::Record> records = evaluation.records();
  const auto cells = kvx::score_cells(tasks, records);
  const auto groups = kvx::part_groups(records);
  kvx::write_results(options.out, cells, records, groups, evaluation.kept());
  const std::string run_file = out + std::string(kvx::kRunFile);
  if (times.answers > 0 || !std::filesystem::exists(run_file))
    kvx::replace_file(run_file, kvx::run_times_json(times, kvx::CellRatios(records)));
  auto answered = cells;
  std::erase_if(answered, [](const auto& cell) { return cell.task == kvx::LatencyTask::name; });
  if (!answered.empty())
    print(kvx::report_markdown(answered, [&](const auto& cell) { return times.tokens_per_second(cell); }));
  if (const auto table = kvx::latency_markdown(cells); !table.empty()) print((answered.empty() ? "" : "\n") + table);
  if (const auto degraded = kvx::degradations(records); !degraded.empty()) {
    kvx::replace_file(out + "degradation.csv", kvx::degradation_csv(degraded));
    print("\n" + kvx::degradation_markdown(degraded));
  }
  for (const auto& task : tasks.tasks())
    if (const auto table = kvx::groups_markdown(groups, task); !table.empty()) print("\n" + table);
  if (log_level == "error") return;
  if (times.graded_later > 0) std::fprintf(stderr, "\n%zu recorded answers were graded now", times.graded_later);
  if (times.read_bandwidth > 0) std::fprintf(stderr, "\nthis machine reads %.1f GB/s", times.read_bandwidth * 1e-9);
  std::fprintf(
      stderr, "\n%zu new answers: load %.1f s, prefill %.1f s (%zu tokens), decode %.1f s (%.0f tokens/s); all in %s\n",
      times.answers, times.load_seconds, times.prefill_seconds, times.context_tokens, times.decode_seconds,
      static_cast<double>(times.answer_tokens) / std::max(times.decode_seconds, 1e-9), out.c_str());
}

/// The options of the command line, before those of the file `config`, before the defaults. Throws kvx::Error.
Texts settle(const Texts& given, const std::string& config) {
  Texts texts;
  for (const Option& option : kOptions)
    if (option.preset != nullptr) texts[option.name] = option.preset;
  if (!config.empty())
    for (const auto& [name, text] : read_config(config)) texts[name] = text;
  const auto has_budget = [](const Texts& some) { return some.contains("keep") || some.contains("kv-bytes"); };
  if (has_budget(given)) texts.erase("ratio");
  if (given.contains("ratio"))
    for (const char* budget : {"keep", "kv-bytes"}) texts.erase(budget);
  for (const auto& [name, text] : given) texts[name] = text;
  if (!texts.contains("ratio") && !has_budget(texts)) texts["ratio"] = "0,0.25,0.5,0.75";
  return texts;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(
      "Evaluates a grid of presses: kvx-eval TASK[,TASK...] --out DIR. Grades other engines' answers: kvx-eval grade "
      "TASK FILE. "
      "Prints how many contexts are needed to detect a drop: kvx-eval plan BASE|RESULTS_DIR [DROP...].",
      "kvx-eval");
  Texts given;
  std::vector<std::string> words;
  std::string config;
  bool print_config = false, list_presses = false, list_tasks = false;
  kvx::CodeExecOptions code;
  PlanOptions plan;
  app.set_version_flag("--version", std::string(kvx::kVersion));
  app.add_option("words", words, "TASK[,TASK...], or: grade TASK FILE, or: plan BASE|RESULTS_DIR [DROP...]");
  app.add_option("--config", config, "YAML file with these options by name; the command line overrides it");
  for (const Option& option : kOptions) {
    const auto give = [&given, &option](const std::string& text) { given[option.name] = text; };
    if (*option.flags != 0) app.add_option_function<std::string>(option.flags, give, option.help);
    if (!option.is_switch()) continue;
    const std::string name = option.name;
    app.add_flag_callback(
           "--" + name, [give] { give("true"); }, option.help)
        ->disable_flag_override();
    app.add_flag_callback(
           "--no-" + name, [give] { give("false"); }, "the opposite")
        ->disable_flag_override();
  }
  app.add_flag("--allow-code-execution", code.allow, "run the programs that the model writes, for code_exec");
  app.add_flag("--require-sandbox", code.require_sandbox, "run them in bubblewrap or not at all");
  app.add_option("--context-samples", plan.context_samples, "plan: samples per context (default 1)");
  app.add_option("--icc", plan.icc, "plan: how similar changes are within a context, 0 to 1 (default 0)");
  app.add_flag("--print-config", print_config, "print the options as YAML and stop");
  app.add_flag("--list-presses", list_presses, "print each press with its parameters and its paper");
  app.add_flag("--list-tasks", list_tasks, "print the tasks");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  kvx::Tasks own;
  kvx::TaskRegistry tasks;
  // Said before programs are run, or why none will be.
  const auto warn_of_code = [&](const std::vector<std::string>& names) {
    if (std::find(names.begin(), names.end(), kvx::CodeExecTask::name) == names.end()) return;
    const auto& task = std::get<kvx::CodeExecTask>(own);
    const std::string warning = task.allowed() ? task.warning()
                                               : "programs are not run and pass@1 is not told; to run them, give "
                                                 "--allow-code-execution or set KVX_ALLOW_CODE_EXECUTION=1";
    if (!warning.empty()) std::fprintf(stderr, "kvx-eval: code_exec: %s\n", warning.c_str());
  };
  std::function<void()> command;
  try {
    if (!words.empty() && words[0] != "grade" && words[0] != "plan") given["tasks"] = words[0];
    const Texts texts = settle(given, config);
    std::get<kvx::CodeExecTask>(own) = kvx::CodeExecTask(code);
    std::get<kvx::IfevalTask>(own) = kvx::IfevalTask({texts.at("ifeval-models")});
    std::get<kvx::LeakageTask>(own) = kvx::LeakageTask({number("leak-threshold", texts.at("leak-threshold"))});
    tasks = kvx::kvx_tasks(own);
    if (list_presses) {
      command = [] { print(kvx::kvx_presses().listing()); };
    } else if (list_tasks) {
      command = [&] {
        for (const auto& task : tasks.tasks()) print(std::string(task.name()) + "\n");
      };
    } else if (!words.empty() && words[0] == "grade") {
      if (words.size() != 3) throw kvx::Error("grade", "expected a task and a file, as in: grade tool_call FILE");
      (void)tasks.at(words[1]);
      (void)reading_of(texts);
      command = [&, texts] {
        warn_of_code({words[1]});
        grade(tasks, words[1], words[2], texts);
      };
    } else if (!words.empty() && words[0] == "plan") {
      command = [text = plan_text(words, plan)] { print(text); };
    } else {
      if (words.size() > 1) throw kvx::Error("tasks", "expected one word, TASK[,TASK...]; found " + words[1] + " too");
      if (!texts.contains("tasks")) throw kvx::Error("tasks", "expected a task, such as tool_call; found none");
      if (print_config) {
        command = [texts] { print(config_text(texts)); };
      } else {
        const kvx::EvalOptions options = options_of(texts, tasks);
        command = [&, options, log_level = texts.at("log-level"), ifeval_models = texts.at("ifeval-models")] {
          expect_defaults(options, ifeval_models);
          warn_of_code(options.tasks);
          evaluate(options, tasks, log_level);
        };
      }
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "kvx-eval: %s\n", error.what());
    return 2;
  }
  try {
    command();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "kvx-eval: %s\n", error.what());
    return 1;
  }
}
