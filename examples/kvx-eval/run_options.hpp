#pragma once

#include <kvx/core/error.hpp>
#include <kvx/core/option_value.hpp>
#include <kvx/core/parse_bytes.hpp>
#include <kvx/eval/run/options.hpp>
#include <kvx/io/read_matrix.hpp>
#include <kvx/kernels/packed_matrix.hpp>
#include <kvx/model/sampler.hpp>
#include <kvx/press/allowance.hpp>
#include <kvx/press/named/named_spans.hpp>
#include <kvx/press/named/registry.hpp>
#include <kvx/press/named/written.hpp>
#include <kvx/score/row_form.hpp>
#include <kvx/score/task_registry.hpp>
#include <kvx/score/tasks.hpp>

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/bound_options.hpp"
#include "cli/example_folder.hpp"
#include "cli/template_options.hpp"
#include "reading_options.hpp"

namespace kvx_eval {

/// The ratios of a run without any budget.
inline constexpr const char* kDefaultRatios = "0,0.25,0.5,0.75";

/// The parts of a text between its commas, but not at those inside parentheses; none of an empty text.
inline std::vector<std::string> list(const std::string& text) {
  std::vector<std::string> parts;
  if (text.empty()) return parts;
  for (const auto part : kvx::split_presses(text)) parts.emplace_back(part);
  return parts;
}

/// Throws kvx::Error, naming the option, unless `text` is one of `choices`.
inline void expect_choice(const std::string& name, const std::string& text,
                          std::initializer_list<const char*> choices) {
  std::string all;
  for (const char* choice : choices) {
    if (text == choice) return;
    all.append(all.empty() ? "" : choice == *(choices.end() - 1) ? " or " : ", ").append(choice);
  }
  throw kvx::Error(name, "expected " + all + ", found " + text);
}

/// A ratio, or COUNT ratios from FIRST to LAST, written FIRST:LAST:COUNT.
inline void add_ratios(std::vector<double>& ratios, const std::string& text) {
  const auto first = text.find(':'), second = text.find(':', first + 1);
  if (first == text.npos) return ratios.push_back(kvx::number_of("ratio", text));
  if (second == text.npos) throw kvx::Error("ratio", "expected FIRST:LAST:COUNT, found '" + text + "'");
  const double begin = kvx::number_of("ratio", text.substr(0, first)),
               end = kvx::number_of("ratio", text.substr(first + 1, second - first - 1));
  const std::size_t count = kvx::whole_of("ratio", text.substr(second + 1), 2, 1e6);
  for (std::size_t i = 0; i < count; ++i)
    ratios.push_back(begin + (end - begin) * static_cast<double>(i) / static_cast<double>(count - 1));
}

/// The files of `FILE` and `TASK=FILE`, with commas: those of one task, and that of all other tasks under "".
inline std::map<std::string, std::vector<std::string>> files_by_task(const std::string& text,
                                                                     const kvx::TaskRegistry& tasks) {
  std::map<std::string, std::vector<std::string>> files;
  for (const auto& data : list(text)) {
    if (data.empty()) continue;
    const auto equals = data.find('=');
    const bool is_task = equals != data.npos && tasks.find(data.substr(0, equals)) != nullptr;
    if (is_task)
      files[data.substr(0, equals)].push_back(data.substr(equals + 1));
    else if (!files.try_emplace("", std::vector{data}).second)
      throw kvx::Error("data", "expected one file for all tasks, found " + files[""].front() + " and " + data);
  }
  return files;
}

/// Adds the example data of each task that has no files in `files`.
inline void add_example_files(std::map<std::string, std::vector<std::string>>& files, const kvx::TaskRegistry& tasks) {
  for (const auto& task : tasks.tasks())
    if (!task.example_data().empty())
      files.try_emplace(std::string(task.name()), std::vector{kvx_cli::example_data(std::string(task.example_data()))});
}

/// The options of a run, as they are bound to the command line.
struct RunOptions {
  kvx::EvalOptions eval;
  ReadingOptions reading;
  std::optional<std::string> weights;
  std::string files, longest, date, log_level = "info";

  /// Binds all options of a run. This object outlives `options`.
  void add_to(kvx_cli::BoundOptions& options) {
    kvx::EvalOptions& e = eval;
    const auto set_list = [](std::vector<std::string>& value) {
      return [&value](const std::string& text) { value = list(text); };
    };
    options.group("What to run");
    options.add_function("model", "",
                         "[NAME=]directory, or [ORG/]NAME[@REVISION] in the local Hugging Face cache; several with "
                         "commas (default: tiny=" +
                             kvx_cli::example_model() + ")",
                         set_list(e.models));
    options.add_function("press,press-name", "snapkv,knorm,expected_attention",
                         "presses with commas, such as snapkv,knorm or snapkv(window=32)", set_list(e.presses));
    options.add_function(
        "ratio,compression-ratio", std::nullopt,
        "shares of the rows to remove, with commas, or FIRST:LAST:COUNT (default " + std::string(kDefaultRatios) + ")",
        [&e](const std::string& text) {
          e.ratios.clear();
          for (const auto& ratio : list(text)) add_ratios(e.ratios, ratio);
        });
    options.add("keep", e.keep, "exact number of rows to keep per KV head, instead of a ratio; the base is also run",
                1);
    options.add("kv-bytes", e.kv_bytes,
                "bytes of cache to keep, in the press's own format, instead of a ratio; the base is also run", 1);
    options.add("query-aware", e.query_aware,
                "add cells that compress context and question together, with a prefill for each question");
    options.add("out,output-dir", e.out, "directory for records and results");

    options.group("Data");
    options.add_function(
        "data", "",
        "FILE, or TASK=FILE,...: JSONL with the six columns or, for their tasks, the rows of " +
            kvx::form_names(kvx::kvx_tasks().row_forms()) +
            ", plain or gzip, or another form that the task reads; a text for tasks that predict or time; a task "
            "named again has several; a file that does not exist is looked up in the example data; default: example "
            "data",
        [this](const std::string& text) { files = text; });
    options.add("contexts", e.samples.contexts,
                "contexts to use from the start of each JSONL file, with all their samples; 0: all");
    options.add("limit,max-samples", e.samples.samples,
                "samples to use from each JSONL file, spread over its contexts; 0: all");
    options.add_function("skip-ids", "", "lines to skip, by their key, id or task_id, with commas",
                         set_list(e.skip_ids));
    options.add_function(
        "span", "",
        "[NAME=]FIRST:LAST, tokens of every context for fair and protect, with commas; the first span without "
        "a name is the defense, the second the instructions",
        [&e](const std::string& text) { e.spans = kvx::parse_named_spans(list(text)); });
    options.add("max-context-length", e.max_context_length, "cut longer contexts to this many tokens; 0: do not cut");
    options.add("template", e.chat, kvx_cli::kTemplateHelp);
    options.add("template-vars", e.templates.variables, kvx_cli::kTemplateVarsHelp);
    options.add("template-date", date, kvx_cli::kTemplateDateHelp);

    options.group("Answers");
    options.add("generate", e.generate,
                "generate answers to the samples; --no-generate only analyzes which tokens are kept");
    options.add_function("max-new-tokens", "0",
                         "longest answer in tokens, for all tasks or as TASK=COUNT,...; 0: as each sample says",
                         [this](const std::string& text) { longest = text; });
    options.add("attempts,n-samples", e.attempts, "answers to each sample, for pass@k; more than 1 needs a temperature",
                1, 1e6);
    options.add("temperature", e.sampler.temperature, "0 is greedy");
    options.add("top-p", e.sampler.top_p, "sample from the fewest tokens whose probabilities sum to this");
    options.add("top-k", e.sampler.top_k, "sample from this many of the most likely tokens; 0: all", 0, 1e9);
    options.add("seed", e.seed, "random seed of sampling, and of random presses that do not set their own");
    add_reading_options(options, reading);

    options.group("What to record");
    options.add("entropy", e.entropy, "record how uncertain the model was about each token of an answer");
    options.add("analyze-kept-tokens", e.analyze_kept,
                "count which tokens of each prompt every cell keeps, by span, layer and head");
    options.add("references", e.references, "let perplexity predict the reference answers of the other tasks too");

    options.group("perplexity, latency");
    options.add("max-length", e.pieces.length, "tokens of each piece of a text", 3);
    options.add("prefix-ratio", e.pieces.prefix_ratio,
                "the share of a piece that is compressed; the rest is predicted");
    options.add("n-ppl", e.pieces.most, "pieces of each text to use for perplexity, from the first on; 0: all");
    options.add("n-timing", e.timing.pieces, "pieces of each text to use for latency, from the first on; 0: all");
    options.add("gen-tokens", e.timing.gen_tokens, "tokens generated after each piece for latency", 2);
    options.add("warmup", e.timing.warm_ups, "generations for latency that are run first and not counted");

    options.group("Machine");
    options.add_function("dtype", "bf16", "of the cache: bf16 or f32", [&e](const std::string& text) {
      expect_choice("dtype", text, {"bf16", "f32"});
      e.dtype = text == "f32" ? kvx::Dtype::f32 : kvx::Dtype::bf16;
    });
    options.add("weights", weights, "bf16, f32 or int8; default: as --dtype");
    options.add("threads", e.threads, "0 takes every core", 0, 1024);
    options.add_function("memory", "4G", "memory that the process may use, such as 4G",
                         [&e](const std::string& text) { e.memory = kvx::parse_bytes(text); });
    options.add("max-batch", e.max_batch, "sequences decoded at a time", 1);
    options.add(
        "draft", e.draft,
        "answer from the base first, and feed its tokens to the other cells as drafts; the answers are the same");
    options.add("log-level", log_level,
                "what is printed on stderr: error, info (with a bar) or debug (a line per answer)");
  }

  /// Finds the data files of the tasks, once settle() has listed them. Throws kvx::Error if a file does not exist.
  void find_files(const kvx::TaskRegistry& known) {
    if (!eval.data.empty()) eval.data = kvx_cli::find_data(eval.data);
    for (const auto& task : eval.tasks)
      if (const auto own = eval.task_data.find(std::string(known.at(task).name())); own != eval.task_data.end())
        for (std::string& path : own->second) path = kvx_cli::find_data(path);
  }

  /// Checks what no single option can, once all are read. Throws kvx::Error.
  void settle(const kvx::TaskRegistry& known) {
    if (eval.keep || eval.kv_bytes) eval.ratios = {0};
    if (eval.models.empty()) eval.models = {"tiny=" + kvx_cli::example_model()};
    const auto expect_of_run = [&](const std::string& option, const std::string& task) {
      if (std::ranges::none_of(eval.tasks, [&](const auto& of_run) { return known.at(of_run).name() == task; }))
        throw kvx::Error(option, "expected a task of the run, found " + task);
    };
    eval.task_data = files_by_task(files, known);
    for (const auto& [task, paths] : eval.task_data)
      if (!task.empty()) expect_of_run("data", task);
    if (const auto all = eval.task_data.extract(""); !all.empty())
      eval.data = all.mapped().front();
    else
      add_example_files(eval.task_data, known);
    if (!(eval.pieces.prefix_ratio > 0 && eval.pieces.prefix_ratio < 1))
      throw kvx::Error("prefix-ratio",
                       "expected a share between 0 and 1, found " + kvx::option_text(eval.pieces.prefix_ratio));
    (void)kvx::Sampler(eval.sampler);
    if (eval.attempts > 1 && eval.sampler.temperature == 0)
      throw kvx::Error("attempts", "expected 1 without a temperature, found " + std::to_string(eval.attempts));
    if (eval.seed) eval.sampler.seed = *eval.seed;
    if (!eval.generate && !eval.analyze_kept)
      throw kvx::Error("generate", "expected true where analyze-kept-tokens is not, found false");
    for (const auto& count : list(longest)) {
      const auto equals = count.find('=');
      if (equals == count.npos)
        kvx::read_option("max-new-tokens", count, eval.max_new_tokens);
      else
        kvx::read_option("max-new-tokens", count.substr(equals + 1),
                         eval.task_max_new_tokens[std::string(known.at(count.substr(0, equals)).name())]);
    }
    for (const auto& [task, count] : eval.task_max_new_tokens) expect_of_run("max-new-tokens", task);
    eval.weights = kvx::parse_weight_format(weights.value_or(std::string(kvx::name_of(eval.dtype))));
    if (reading.thoughts) eval.thoughts = *reading.thoughts;
    eval.tool_forms = reading.tool_forms;
    expect_choice("log-level", log_level, {"error", "info", "debug"});
    eval.progress = log_level == "info";
    for (const auto& task : eval.tasks) (void)known.at(task);
    bool uses_spans = eval.analyze_kept;
    for (const auto& press : eval.presses) {
      const std::string written = kvx::kvx_presses().parse(press, {.read = kvx::read_matrix}).written();
      uses_spans |= written.find("fair(") != written.npos || written.find("span=") != written.npos;
    }
    if (!eval.spans.empty() && !uses_spans)
      throw kvx::Error("span",
                       "expected a press fair(...) or protect(..., span=NAME), or analyze-kept-tokens, found neither");
    for (const double ratio : eval.ratios) (void)kvx::Allowance::of_ratio(ratio);
    eval.templates = kvx_cli::template_options(eval.chat, eval.templates.variables, date);
    if (eval.out.empty()) throw kvx::Error("out", "expected a directory, found nothing");
  }
};

}  // namespace kvx_eval
