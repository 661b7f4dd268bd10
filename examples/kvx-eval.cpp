// Evaluates a grid of presses on tasks, or grades answers that another engine gave.
#include <yaml-cpp/yaml.h>
#include <CLI/CLI.hpp>
#include <kvx/core/error.hpp>
#include <kvx/core/option_value.hpp>
#include <kvx/core/parse_bytes.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/eval/records/output_file.hpp>
#include <kvx/eval/run/evaluation.hpp>
#include <kvx/eval/run/grade_file.hpp>
#include <kvx/eval/run/write_results.hpp>
#include <kvx/eval/tables/cell_ratios.hpp>
#include <kvx/eval/tables/degradation.hpp>
#include <kvx/eval/tables/groups_markdown.hpp>
#include <kvx/eval/tables/latency_text.hpp>
#include <kvx/eval/tables/part_groups.hpp>
#include <kvx/eval/tables/plan_table.hpp>
#include <kvx/eval/tables/report_markdown.hpp>
#include <kvx/eval/tables/results.hpp>
#include <kvx/eval/tables/run_times_json.hpp>
#include <kvx/io/read_matrix.hpp>
#include <kvx/kernels/packed_matrix.hpp>
#include <kvx/press/named/named_spans.hpp>
#include <kvx/press/named/registry.hpp>
#include <kvx/press/named/written.hpp>
#include <kvx/score/sample.hpp>
#include <kvx/score/task_option.hpp>
#include <kvx/score/tasks.hpp>
#include <kvx/text/chat_template.hpp>
#include <kvx/version.hpp>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

/// The options as text, by name, as they stand on a command line and in a YAML file.
using Texts = std::map<std::string, std::string>;

/// An option of the command line and of a YAML file. One without flags is given by words, or is a switch: `--NAME` and
/// `--no-NAME`.
struct Option {
  std::string name, flags, help;
  std::optional<std::string> preset = {};    ///< the default
  std::vector<std::string> tasks = {};       ///< that have this option; empty: an option of all runs
  std::vector<std::string> file_tasks = {};  ///< as in kvx::OptionText
  bool is_for_files = true;                  ///< whether a YAML file may have it

  bool is_switch() const { return flags.empty() && !help.empty(); }
};

/// The options that do not belong to a task, but for the default of `data`.
const std::vector<Option> kRunOptions = {
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
     "gzip, or another form that the task reads; a text for tasks that predict or time; a task named again has "
     "several"},
    {"contexts", "--contexts", "contexts to use from the start of each JSONL file, with all their samples; 0: all",
     "0"},
    {"limit", "--limit,--max-samples", "samples to use from each JSONL file, spread over its contexts; 0: all", "0"},
    {"skip-ids", "--skip-ids", "lines to skip, by their key, id or task_id, with commas", ""},
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
    {"think", "--think",
     "OPEN,CLOSE: marks of thoughts, besides <think>,</think> and those of the chat template; for grade, instead of "
     "those in the records",
     ""},
    {"tool-format", "--tool-format",
     "other engines' forms of calls to accept: plain (none), auto (all), or tool_calls, function, function_call, "
     "parameters, string, missing joined by +; default: as the chat template asks for; for grade, as the records say",
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
};

/// The parts of a text between its commas; none of an empty text.
std::vector<std::string> list(const std::string& text) {
  std::vector<std::string> parts;
  if (text.empty()) return parts;
  for (const auto part : kvx::split_presses(text)) parts.emplace_back(part);
  return parts;
}

/// All options: those of runs, then those of tasks.
const std::vector<Option>& all_options() {
  static const std::vector<Option> kAll = [] {
    std::vector<Option> all = kRunOptions;
    const kvx::TaskRegistry tasks = kvx::kvx_tasks();
    std::string data;
    for (const auto& task : tasks.tasks())
      if (!task.example_data().empty())
        data.append(data.empty() ? "" : ",").append(task.name()).append("=").append(task.example_data());
    std::ranges::find(all, "data", &Option::name)->preset = data;
    for (kvx::OptionText& option : kvx::kvx_task_options()) {
      std::string flags;
      if (!option.is_switch) {
        flags = "--" + option.name;
        for (const auto& alias : list(option.aliases)) flags += ",--" + alias;
      }
      all.push_back(
          {option.name, flags, option.help, option.preset, option.tasks, option.file_tasks, !option.is_switch});
    }
    return all;
  }();
  return kAll;
}

/// Whether a YAML file means `option` by `name`: its own name or one of its flags, with - or _.
bool is_named(const Option& option, std::string name) {
  std::replace(name.begin(), name.end(), '_', '-');
  if (!option.is_for_files) return false;
  return name == option.name || ("," + option.flags + ",").find(",--" + name + ",") != std::string::npos;
}

/// The options of a YAML file; a sequence becomes a list with commas. Throws kvx::Error.
Texts read_config(const std::string& path) try {
  const YAML::Node file = YAML::LoadFile(path);
  if (!file.IsMap()) throw kvx::Error(path, "expected YAML with one option a line, found something else");
  Texts texts;
  for (const auto& member : file) {
    const auto given = member.first.as<std::string>();
    const auto option = std::ranges::find_if(all_options(), [&](const auto& o) { return is_named(o, given); });
    if (option == all_options().end()) throw kvx::Error(path, "unknown option " + given);
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
  for (const auto& [name, text] : texts) {
    const auto option = std::ranges::find(all_options(), name, &Option::name);
    if (option->is_for_files) out << YAML::Key << name << YAML::Value << YAML::DoubleQuoted << text;
  }
  out << YAML::EndMap;
  return std::string(out.c_str()) + "\n";
}

/// A ratio, or COUNT ratios from FIRST to LAST, written FIRST:LAST:COUNT.
void add_ratios(std::vector<double>& ratios, const std::string& text) {
  const auto first = text.find(':'), second = text.find(':', first + 1);
  if (first == text.npos) return ratios.push_back(kvx::number_of("ratio", text));
  if (second == text.npos) throw kvx::Error("ratio", "expected FIRST:LAST:COUNT, found '" + text + "'");
  const double begin = kvx::number_of("ratio", text.substr(0, first)),
               end = kvx::number_of("ratio", text.substr(first + 1, second - first - 1));
  const std::size_t count = kvx::whole_of("ratio", text.substr(second + 1), 2, 1e6);
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
const std::string& preset_of(std::string_view name) {
  return *std::ranges::find(all_options(), name, &Option::name)->preset;
}

/// The options of a run that grades a file. Throws kvx::Error.
kvx::GradeOptions grade_options_of(const Texts& texts) {
  kvx::GradeOptions options;
  if (const auto& marks = texts.at("think"); !marks.empty())
    options.thoughts = std::vector{kvx::parse_thought_marks(marks)};
  if (const auto& forms = texts.at("tool-format"); !forms.empty()) options.tool_forms = kvx::ToolForms::parse(forms);
  options.threads = static_cast<int>(kvx::whole_of("threads", texts.at("threads"), 0, 1024));
  return options;
}

/// Throws kvx::Error, naming the option, if a default path does not exist. They exist only in kvx's source folder.
void expect_defaults(const kvx::EvalOptions& options, const Texts& texts) {
  const auto expect = [](const std::string& path, const std::string& preset, const std::string& option) {
    if (path == preset && !std::filesystem::exists(path))
      throw kvx::Error(path, "this default path exists only in kvx's source folder; choose another with " + option);
  };
  for (const auto& model : options.models) expect(model, preset_of("model"), "--model");
  for (const auto& task : options.tasks)
    if (const auto files = options.task_data.find(task); files != options.task_data.end())
      for (const auto& file : files->second)
        if (("," + preset_of("data") + ",").find("," + task + "=" + file + ",") != std::string::npos)
          expect(file, file, "--data " + task + "=FILE");
  for (const Option& option : all_options())
    for (const auto& task : option.file_tasks)
      if (std::ranges::count(options.tasks, task) > 0)
        expect(texts.at(option.name), *option.preset, "--" + option.name);
}

/// Checks what can be checked without reading a file. Throws kvx::Error.
kvx::EvalOptions options_of(Texts texts, const kvx::TaskRegistry& tasks) {
  kvx::EvalOptions options;
  options.tasks = list(texts["tasks"]);
  options.models = list(texts["model"]);
  options.presses = list(texts["press"]);
  if (texts.contains("keep")) options.keep = static_cast<kvx::Index>(kvx::whole_of("keep", texts["keep"], 1));
  if (texts.contains("kv-bytes")) options.kv_bytes = kvx::whole_of("kv-bytes", texts["kv-bytes"], 1);
  const bool rows = options.keep || options.kv_bytes;
  if (rows && texts.contains("ratio")) throw kvx::Error("ratio", "expected alone, found with keep or kv-bytes");
  const std::string ratios = rows ? "0" : texts["ratio"];
  for (const auto& ratio : list(ratios)) add_ratios(options.ratios, ratio);
  const auto [data, task_data] = data_of(texts["data"], tasks);
  options.data = data;
  options.task_data = task_data;
  if (data.empty())  // what is named for one task leaves the others what they have
    options.task_data.merge(data_of(preset_of("data"), tasks).second);
  options.pieces.length = static_cast<kvx::Index>(kvx::whole_of("max-length", texts["max-length"], 3));
  options.pieces.prefix_ratio = kvx::number_of("prefix-ratio", texts["prefix-ratio"]);
  if (!(options.pieces.prefix_ratio > 0 && options.pieces.prefix_ratio < 1))
    throw kvx::Error("prefix-ratio", "expected a share between 0 and 1, found " + texts["prefix-ratio"]);
  options.pieces.most = kvx::whole_of("n-ppl", texts["n-ppl"], 0);
  options.timing.pieces = kvx::whole_of("n-timing", texts["n-timing"], 0);
  options.timing.gen_tokens = static_cast<kvx::Index>(kvx::whole_of("gen-tokens", texts["gen-tokens"], 2));
  options.timing.warm_ups = kvx::whole_of("warmup", texts["warmup"], 0);
  options.references = kvx::flag_of("references", texts["references"]);
  options.query_aware = kvx::flag_of("query-aware", texts["query-aware"]);
  options.attempts = kvx::whole_of("attempts", texts["attempts"], 1, 1e6);
  options.sampler.temperature = kvx::number_of("temperature", texts["temperature"]);
  options.sampler.top_p = kvx::number_of("top-p", texts["top-p"]);
  options.sampler.top_k = static_cast<int>(kvx::whole_of("top-k", texts["top-k"], 0, 1e9));
  (void)kvx::Sampler(options.sampler);
  if (options.attempts > 1 && options.sampler.temperature == 0)
    throw kvx::Error("attempts", "expected 1 without a temperature, found " + texts["attempts"]);
  options.samples.contexts = kvx::whole_of("contexts", texts["contexts"], 0);
  options.samples.samples = kvx::whole_of("limit", texts["limit"], 0);
  options.skip_ids = list(texts["skip-ids"]);
  options.spans = kvx::parse_named_spans(list(texts["span"]));
  options.generate = kvx::flag_of("generate", texts["generate"]);
  options.entropy = kvx::flag_of("entropy", texts["entropy"]);
  options.analyze_kept = kvx::flag_of("analyze-kept-tokens", texts["analyze-kept-tokens"]);
  if (!options.generate && !options.analyze_kept)
    throw kvx::Error("generate", "expected true where analyze-kept-tokens is not, found false");
  for (const auto& tokens : list(texts["max-new-tokens"])) {
    const auto equals = tokens.find('=');
    const auto count = static_cast<kvx::Index>(
        kvx::whole_of("max-new-tokens", equals == tokens.npos ? tokens : tokens.substr(equals + 1), 0));
    if (equals == tokens.npos)
      options.max_new_tokens = count;
    else
      options.task_max_new_tokens[std::string(tasks.at(tokens.substr(0, equals)).name())] = count;
  }
  options.max_context_length =
      static_cast<kvx::Index>(kvx::whole_of("max-context-length", texts["max-context-length"], 0));
  if (texts["dtype"] != "bf16" && texts["dtype"] != "f32")
    throw kvx::Error("dtype", "expected bf16 or f32, found " + texts["dtype"]);
  options.dtype = texts["dtype"] == "f32" ? kvx::Dtype::f32 : kvx::Dtype::bf16;
  options.weights = kvx::parse_weight_format(texts.contains("weights") ? texts["weights"] : texts["dtype"]);
  options.chat = texts["template"];
  const kvx::GradeOptions reading = grade_options_of(texts);
  if (reading.thoughts) options.thoughts = *reading.thoughts;
  options.tool_forms = reading.tool_forms;
  if (texts.contains("seed")) options.sampler.seed = *(options.seed = kvx::whole_of("seed", texts["seed"], 0));
  options.threads = reading.threads;
  options.memory = kvx::parse_bytes(texts["memory"]);
  options.max_batch = static_cast<kvx::Index>(kvx::whole_of("max-batch", texts["max-batch"], 1));
  options.draft = kvx::flag_of("draft", texts["draft"]);
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
  std::optional<double> context_samples, icc;
};

/// The base's share of right answers, above 0 and at most 1. Throws kvx::Error.
double plan_base(const std::string& text) {
  double base = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), base);
  if (code != std::errc() || end != text.data() + text.size() || !(base > 0 && base <= 1))
    throw kvx::Error("plan",
                     "expected a base's share of right answers, above 0 and at most 1, or a results directory; "
                     "found '" +
                         text + "'");
  return base;
}

/// A table of how many contexts are needed to detect a drop from a base's share of right answers. Throws kvx::Error.
std::string plan_text(const kvx::TaskRegistry& tasks, const std::vector<std::string>& words, const PlanOptions& given) {
  if (words.size() < 2)
    throw kvx::Error("plan", "expected a base's share of right answers or a results directory, as in: plan 0.45 0.1");
  std::vector<double> drops;
  for (std::size_t i = 2; i < words.size(); ++i) {
    drops.push_back(kvx::number_of("plan: drop", words[i]));
    if (!(drops.back() >= 0.001 && drops.back() <= 1))
      throw kvx::Error("plan: drop", "expected 0.001 to 1, found " + words[i]);
  }
  std::vector<kvx::PlanBasis> bases;
  if (std::filesystem::is_directory(words[1])) {
    if (given.context_samples || given.icc)
      throw kvx::Error("plan",
                       "expected --context-samples and --icc only with a base's share of right answers, "
                       "found them with " +
                           words[1] + ", whose results have both");
    std::vector<kvx::Record> records;
    kvx::each_jsonl_row(words[1] + "/records.jsonl",
                        [&](const kvx::JsonlRow& row) { records.push_back(kvx::record_of(row)); });
    bases = kvx::plan_bases(tasks, records);
    if (bases.empty()) throw kvx::Error(words[1], "expected answers of the base that pass or fail, found none");
    if (drops.empty()) drops = {0.2, 0.1, 0.05};
    const double highest = std::ranges::max(bases, {}, &kvx::PlanBasis::base).base;
    if (std::ranges::min(drops) > highest + 1e-9)
      throw kvx::Error(words[1], "expected a drop of at most the highest base, " + std::to_string(highest) +
                                     ", found " + std::to_string(std::ranges::min(drops)));
  } else {
    bases = {{.base = plan_base(words[1]),
              .context_samples = given.context_samples.value_or(1),
              .icc = given.icc.value_or(0)}};
    if (drops.empty())
      for (const double drop : {0.3, 0.2, 0.1, 0.05, 0.02})
        if (drop <= bases.front().base) drops.push_back(drop);
    if (drops.empty())
      throw kvx::Error("plan", "expected a base of at least 0.02 or a drop after it, found a base of " + words[1]);
  }
  return kvx::plan_markdown(bases, drops);
}

/// Prints the grades of a file, and on stderr how many rows were skipped. Throws kvx::Error.
void grade(const kvx::TaskRegistry& tasks, const std::string& task, const std::string& path, const Texts& texts) {
  const kvx::GradedFile graded = kvx::grade_file(tasks, task, path, grade_options_of(texts));
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
  kvx::write_results(options.out, tasks, cells, records, groups, evaluation.kept());
  const std::string run_file = out + std::string(kvx::kRunFile);
  if (times.answers > 0 || !std::filesystem::exists(run_file))
    kvx::replace_file(run_file, kvx::run_times_json(times, kvx::CellRatios(records)));
  auto answered = cells;
  std::erase_if(answered, [&](const auto& cell) { return tasks.at(cell.task).kind() == kvx::TaskKind::is_timed; });
  if (!answered.empty())
    print(kvx::report_markdown(answered, [&](const auto& cell) { return times.tokens_per_second(cell); }));
  if (const auto table = kvx::latency_markdown(tasks, cells); !table.empty())
    print((answered.empty() ? "" : "\n") + table);
  if (const auto degraded = kvx::degradations(tasks, records); !degraded.empty()) {
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
  for (const Option& option : all_options())
    if (option.preset) texts[option.name] = *option.preset;
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
  PlanOptions plan;
  app.set_version_flag("--version", std::string(kvx::kVersion));
  app.add_option("words", words, "TASK[,TASK...], or: grade TASK FILE, or: plan BASE|RESULTS_DIR [DROP...]");
  app.add_option("--config", config, "YAML file with these options by name; the command line overrides it");
  for (const Option& option : all_options()) {
    const auto give = [&given, &option](const std::string& text) { given[option.name] = text; };
    std::string group;
    for (const auto& task : option.tasks) group.append(group.empty() ? "" : ", ").append(task);
    if (group.empty()) group = "Options";
    if (!option.flags.empty()) app.add_option_function<std::string>(option.flags, give, option.help)->group(group);
    if (!option.is_switch()) continue;
    app.add_flag_callback(
           "--" + option.name, [give] { give("true"); }, option.help)
        ->disable_flag_override()
        ->group(group);
    if (!option.is_for_files) continue;
    app.add_flag_callback(
           "--no-" + option.name, [give] { give("false"); }, "the opposite")
        ->disable_flag_override()
        ->group(group);
  }
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
  kvx::TaskRegistry tasks;
  // Prints the notices of tasks before their answers are graded.
  const auto print_notices = [&](const std::vector<std::string>& names) {
    for (const auto& name : names)
      if (const std::string notice = tasks.at(name).notice(); !notice.empty())
        std::fprintf(stderr, "kvx-eval: %s: %s\n", name.c_str(), notice.c_str());
  };
  std::function<void()> command;
  try {
    if (!words.empty() && words[0] != "grade" && words[0] != "plan") given["tasks"] = words[0];
    const Texts texts = settle(given, config);
    tasks = kvx::kvx_tasks(texts);
    if (list_presses) {
      command = [] { print(kvx::kvx_presses().listing()); };
    } else if (list_tasks) {
      command = [&] {
        for (const auto& task : tasks.tasks()) print(std::string(task.name()) + "\n");
      };
    } else if (!words.empty() && words[0] == "grade") {
      if (words.size() != 3) throw kvx::Error("grade", "expected a task and a file, as in: grade tool_call FILE");
      (void)tasks.at(words[1]);
      (void)grade_options_of(texts);
      command = [&, texts] {
        print_notices({words[1]});
        grade(tasks, words[1], words[2], texts);
      };
    } else if (!words.empty() && words[0] == "plan") {
      command = [text = plan_text(tasks, words, plan)] { print(text); };
    } else {
      if (words.size() > 1) throw kvx::Error("tasks", "expected one word, TASK[,TASK...]; found " + words[1] + " too");
      if (!texts.contains("tasks")) throw kvx::Error("tasks", "expected a task, such as tool_call; found none");
      if (print_config) {
        command = [texts] { print(config_text(texts)); };
      } else {
        const kvx::EvalOptions options = options_of(texts, tasks);
        command = [&, options, texts] {
          expect_defaults(options, texts);
          print_notices(options.tasks);
          evaluate(options, tasks, texts.at("log-level"));
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
