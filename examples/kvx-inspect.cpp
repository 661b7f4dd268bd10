// Shows which tokens of a prompt a press keeps, and what becomes of the answer.
#include <CLI/CLI.hpp>
#include <kvx/core/error.hpp>
#include <kvx/core/threads.hpp>
#include <kvx/core/token_span.hpp>
#include <kvx/eval/kept/kept_tables.hpp>
#include <kvx/eval/kept/kept_tokens.hpp>
#include <kvx/eval/records/model_name.hpp>
#include <kvx/eval/records/output_file.hpp>
#include <kvx/eval/run/inspection.hpp>
#include <kvx/eval/run/model_notes.hpp>
#include <kvx/eval/run/options.hpp>
#include <kvx/eval/run/planned_cells.hpp>
#include <kvx/eval/run/prompts.hpp>
#include <kvx/eval/run/repeat_prompt.hpp>
#include <kvx/eval/tables/entropy_table.hpp>
#include <kvx/io/markdown.hpp>
#include <kvx/io/number_text.hpp>
#include <kvx/io/text_file.hpp>
#include <kvx/kernels/packed_matrix.hpp>
#include <kvx/model/config.hpp>
#include <kvx/model/decoder.hpp>
#include <kvx/model/locate.hpp>
#include <kvx/press/named/named_spans.hpp>
#include <kvx/press/named/registry.hpp>
#include <kvx/press/named/written.hpp>
#include <kvx/report/charts/gnuplot.hpp>
#include <kvx/report/charts/kept_heat_map.hpp>
#include <kvx/report/charts/picture.hpp>
#include <kvx/report/pages/kept_html.hpp>
#include <kvx/score/leakage/leakage_data.hpp>
#include <kvx/score/leakage/leakage_samples.hpp>
#include <kvx/score/sample.hpp>
#include <kvx/score/sample_file.hpp>
#include <kvx/score/system_prompt.hpp>
#include <kvx/score/tasks.hpp>
#include <kvx/text/chat_template.hpp>
#include <kvx/text/tokenizer.hpp>
#include <kvx/version.hpp>

#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "cli/example_folder.hpp"
#include "cli/template_options.hpp"

namespace {

struct Options {
  std::string model = kvx_cli::example_model(), data, system, context_file, prompt, chat, template_vars, template_date,
              dtype = "bf16", out, presses, prepend{kvx::SystemPrompt::kPrepend}, defense,
              defenses_file = kvx_cli::example_data("leakage/defenses.json"), gnuplot = "gnuplot";
  std::size_t index = 0;
  std::vector<double> ratios = {0.5};
  std::vector<std::string> spans;
  kvx::Index max_new_tokens = 64;
  int threads = 0;
};

/// The options that need checks, which are made before anything is loaded. Throws kvx::Error.
struct Settings {
  explicit Settings(const Options& options) {
    kvx::EvalOptions grid;
    const auto presses = kvx::split_presses(options.presses);
    grid.presses.assign(presses.begin(), presses.end());
    grid.ratios = options.ratios;
    grid.ratios.insert(grid.ratios.begin(), 0);  // the base
    cells = kvx::planned_cells(grid, kvx::kvx_presses());
    spans = kvx::parse_named_spans(options.spans);
    templates = kvx_cli::template_options(options.chat, options.template_vars, options.template_date);
    if (options.data.empty() == options.prompt.empty())
      throw kvx::Error("prompt",
                       "expected --prompt or --data, found " + std::string(options.data.empty() ? "neither" : "both"));
  }

  std::vector<kvx::PlannedCell> cells;
  std::vector<kvx::NamedSpan> spans;
  kvx::TemplateOptions templates;
};

kvx::Sample sample_of(const Options& options) {
  if (options.data.empty()) {
    kvx::Sample sample{"", options.prompt, "", "", "prompt", 1, options.system};
    if (!options.context_file.empty()) sample.context = kvx::read_text_file(options.context_file);
    return sample;
  }
  kvx::SystemPrompt system{options.prepend};
  if (!options.defense.empty())
    system.defense = kvx::defense_named(kvx::load_defenses(options.defenses_file), options.defense).text;
  const auto file = kvx::read_samples(options.data, kvx::read_text_file(options.data), kvx::kvx_tasks().row_forms(),
                                      {.system = system});
  if (options.index >= file.samples.size())
    throw kvx::Error(options.data, "expected a sample of index " + std::to_string(options.index) + ", found " +
                                       std::to_string(file.samples.size()) + " samples");
  return file.samples[options.index];
}

/// A line a cell and span.
std::string spans_table(const kvx::Inspection& found) {
  std::vector<std::vector<std::string>> rows = {{"press", "ratio", "span", "tokens", "kept", "of all"}};
  double all = 1;
  for (const kvx::KeptSpan& span : found.kept.counts.spans()) {
    if (span.span == "all") all = span.share();
    rows.push_back({kvx::markdown_text(span.cell.label()), kvx::six_digits(span.cell.ratio), span.span,
                    std::to_string(span.tokens), kvx::decimals(span.share(), 2), kvx::decimals(all, 2)});
  }
  return kvx::markdown_table(rows);
}

void inspect(const Options& options, const Settings& settings) {
  std::fputs(kvx::ignored_budgets(settings.cells, options.ratios).c_str(), stderr);
  const kvx::Sample sample = sample_of(options);
  kvx::Threads threads(options.threads);
  const std::string dir = kvx::locate_model(options.model);
  const auto dtype = options.dtype == "f32" ? kvx::Dtype::f32 : kvx::Dtype::bf16;
  const auto tokenizer = kvx::Tokenizer::load(dir);
  const auto chat = kvx::ChatTemplate::choose(options.chat, dir, settings.templates);
  const auto config = kvx::ModelConfig::load(dir);
  for (const auto& note : kvx::model_notes(config, tokenizer, chat)) std::fprintf(stderr, "note: %s\n", note.c_str());
  const std::string where = options.data.empty() ? "prompt" : options.data;
  const std::size_t only = 0;
  const auto groups = kvx::Prompter{tokenizer, chat, 0, config.max_positions, settings.spans}.groups(
      {&sample, 1}, {&where, 1}, {&only, 1});
  const auto weights = kvx::Decoder::load(dir, kvx::parse_weight_format(options.dtype), threads);
  if (!weights.note().empty()) std::fprintf(stderr, "note: %s\n", weights.note().c_str());
  const std::string model = kvx::last_part(options.model);
  auto found = kvx::inspect({weights, tokenizer, groups.front(), model, sample.task, options.max_new_tokens},
                            settings.cells, dtype, std::size_t{1} << 40, threads, kvx::repeat_prompt(tokenizer, chat));
  for (auto& text : found.kept.texts) text.index = static_cast<kvx::Index>(options.index);
  std::string text = spans_table(found);
  for (const auto& cell : found.cells) {
    const std::string name = cell.name.label() + " at ratio " + kvx::six_digits(cell.name.ratio);
    if (!cell.reason.empty())
      text += "\n" + name + ": not applicable, " + cell.reason + "\n";
    else if (options.max_new_tokens > 0)
      text += "\n" + name + ":\n" + cell.answer + "\n";
  }
  std::fputs(text.c_str(), stdout);
  if (options.out.empty()) return;

  const std::string out = options.out + "/";
  std::filesystem::create_directories(options.out);
  kvx::replace_file(out + "kept_tokens.csv", kvx::kept_tokens_csv(found));
  kvx::replace_file(out + std::string(kvx::kKeptSpansCsv), kvx::kept_spans_csv(found.kept.counts.spans()));
  kvx::replace_file(out + std::string(kvx::kKeptHeadsCsv), kvx::kept_heads_csv(found.kept.counts.spans()));
  const auto entropies = kvx::entropy_csv(kvx::entropy_records(found, model, sample.task));
  if (!entropies.empty()) kvx::replace_file(out + std::string(kvx::kEntropyCsv), entropies);
  std::vector<kvx::Picture> pictures;
  const auto gnuplot = kvx::Gnuplot::find(options.gnuplot);
  if (!gnuplot)
    std::fprintf(stderr, "kvx-inspect: no program %s, so a page without heat maps; install the package gnuplot-nox\n",
                 options.gnuplot.c_str());
  for (const auto& cell : found.cells) {
    if (!gnuplot || !cell.reason.empty() || cell.name.press == kvx::kNoPress) continue;
    const std::string name = cell.name.label() + " at ratio " + kvx::six_digits(cell.name.ratio);
    pictures.push_back(kvx::kept_heat_map(name, kvx::file_name(name) + ".png", std::ssize(groups.front().context),
                                          cell.layers, groups.front().spans));
    auto drawing = gnuplot->draw(pictures.back());
    kvx::replace_file(out + pictures.back().path, drawing.png);
    pictures.back().svg = std::move(drawing.svg);
  }
  kvx::replace_file(out + "inspect.html", kvx::kept_page("What is kept of a prompt", found.kept.texts, pictures, {}));
  std::fprintf(stderr, "kvx-inspect: %sinspect.html and tables beside it\n", out.c_str());
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Shows which tokens of a prompt a press keeps, by span, layer and head, and what becomes of the answer.",
               "kvx-inspect");
  app.set_version_flag("--version", std::string(kvx::kVersion));
  app.add_option("--model", options.model, "model directory, or [ORG/]NAME[@REVISION] in the local Hugging Face cache")
      ->capture_default_str();
  app.add_option("--press", options.presses, "presses with commas, such as snapkv,fair(snapkv)")->required();
  app.add_option("--ratio,--compression-ratio", options.ratios, "shares of the rows to remove, with commas")
      ->delimiter(',')
      ->capture_default_str();
  app.add_option("-p,--prompt", options.prompt, "the question; it is not compressed");
  app.add_option("--system", options.system,
                 "system message, which is; <kvx:NAME> and </kvx:NAME> around a part make it a span");
  app.add_option("--context", options.context_file, "file with text before the question, which is compressed too")
      ->check(CLI::ExistingFile);
  app.add_option("--data", options.data,
                 "instead: samples as kvx-eval reads them, or its records; of leakage the records alone");
  app.add_option("--index", options.index, "which of its samples, from 0")->capture_default_str();
  app.add_option("--system-prompt-prepend", options.prepend, "what the system prompts of IFEval begin with")
      ->capture_default_str();
  app.add_option("--defense", options.defense, "the defense that they stand in, by its key");
  app.add_option("--defenses-file", options.defenses_file, "defense templates by key, in JSON")->capture_default_str();
  app.add_option("--span", options.spans, "[NAME=]FIRST:LAST, tokens of the context, as in kvx-eval")->delimiter(',');
  app.add_option("--max-new-tokens", options.max_new_tokens, "of each answer; 0 for none")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
  app.add_option("--template", options.chat, kvx_cli::kTemplateHelp);
  app.add_option("--template-vars", options.template_vars, kvx_cli::kTemplateVarsHelp);
  app.add_option("--template-date", options.template_date, kvx_cli::kTemplateDateHelp);
  app.add_option("--dtype", options.dtype, "of the cache and the weights")
      ->capture_default_str()
      ->check(CLI::IsMember({"bf16", "f32"}));
  app.add_option("--threads", options.threads, "0 takes every core")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
  app.add_option("--gnuplot", options.gnuplot, "the program that draws heat maps")->capture_default_str();
  app.add_option("-o,--out", options.out, "directory for tables, heat maps and inspect.html; without it, text alone");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  std::optional<Settings> settings;
  try {
    settings.emplace(options);
  } catch (const kvx::Error& error) {
    std::fprintf(stderr, "kvx-inspect: %s\n", error.what());
    return 2;
  }
  try {
    inspect(options, *settings);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "kvx-inspect: %s\n", error.what());
    return 1;
  }
}
