// Answers one prompt, with the cache of its context compressed by a press.
#include <CLI/CLI.hpp>
#include <kvx/core/error.hpp>
#include <kvx/core/progress.hpp>
#include <kvx/core/threads.hpp>
#include <kvx/core/token.hpp>
#include <kvx/eval/run/model_notes.hpp>
#include <kvx/eval/run/repeat_prompt.hpp>
#include <kvx/io/mapped_file.hpp>
#include <kvx/io/read_matrix.hpp>
#include <kvx/kernels/isa.hpp>
#include <kvx/kernels/packed_matrix.hpp>
#include <kvx/model/compress.hpp>
#include <kvx/model/config.hpp>
#include <kvx/model/decoder.hpp>
#include <kvx/model/forward.hpp>
#include <kvx/model/generate.hpp>
#include <kvx/model/locate.hpp>
#include <kvx/model/sampler.hpp>
#include <kvx/press/named/registry.hpp>
#include <kvx/text/chat_split.hpp>
#include <kvx/text/chat_template.hpp>
#include <kvx/text/stream_decoder.hpp>
#include <kvx/text/tokenizer.hpp>
#include <kvx/text/utf8.hpp>

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "cli/example_folder.hpp"
#include "cli/template_options.hpp"

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

struct Options {
  std::string model = kvx_cli::example_model(), prompt, context_file, system, press = "none", dtype = "bf16", weights,
              chat, template_vars, template_date;
  std::optional<double> ratio;
  std::optional<kvx::Index> keep;
  std::optional<std::size_t> kv_bytes;
  kvx::Index max_new_tokens = 256;
  kvx::SamplerOptions sampler;
  int threads = 0;
  bool list_presses = false, list_templates = false;
};

kvx::Allowance allowance(const Options& options) {
  if (options.keep) return kvx::Allowance::of_tokens(*options.keep);
  if (options.kv_bytes) return kvx::Allowance::of_bytes(*options.kv_bytes);
  return kvx::Allowance::of_ratio(options.ratio.value_or(0.5));
}

/// The options that need checks, which are made before anything is loaded. Throws kvx::Error.
struct Settings {
  explicit Settings(const Options& options)
      : policy(kvx::kvx_presses().parse(options.press, {.read = kvx::read_matrix})),
        budget(allowance(options)),
        sampler(options.sampler) {
    templates = kvx_cli::template_options(options.chat, options.template_vars, options.template_date);
    if ((options.keep || options.kv_bytes) && policy.traits().by_ratio)
      throw kvx::Error(policy.written(), "expected --ratio, since it cannot keep a number of rows");
    if (policy.traits().own_budget && (options.ratio || options.keep || options.kv_bytes))
      std::fprintf(stderr, "%s itself decides how much stays and ignores %s\n", policy.written().c_str(),
                   options.ratio  ? "--ratio"
                   : options.keep ? "--keep"
                                  : "--kv-bytes");
  }

  kvx::AnyPolicy policy;
  kvx::Allowance budget;
  kvx::Sampler sampler;
  kvx::TemplateOptions templates;
};

void generate(const Options& options, Settings settings) {
  kvx::Threads threads(options.threads);
  const std::string dir = kvx::locate_model(options.model);
  const auto dtype = options.dtype == "f32" ? kvx::Dtype::f32 : kvx::Dtype::bf16;
  const auto tokenizer = kvx::Tokenizer::load(dir);
  const auto chat = kvx::ChatTemplate::choose(options.chat, dir, settings.templates);
  auto notes = kvx::model_notes(kvx::ModelConfig::load(dir), tokenizer, chat);
  auto start = Clock::now();
  const auto model = kvx::Decoder::load(
      dir, kvx::parse_weight_format(options.weights.empty() ? options.dtype : options.weights), threads);
  const double load_seconds = seconds_since(start);
  if (!model.note().empty()) notes.push_back(model.note());
  for (const std::string& note : notes) std::fprintf(stderr, "note: %s\n", note.c_str());

  std::string context;
  if (!options.context_file.empty()) {
    context = kvx::MappedFile(options.context_file).text();
    kvx::check_utf8(context, options.context_file);
  }
  auto parts = kvx::split_chat(chat, options.system, context, options.prompt, "");
  // Without a context of its own the whole prompt is compressed, and the first token comes from before that.
  if (context.empty()) parts = {parts.context + parts.question, ""};
  auto context_ids = chat.is_none() ? tokenizer.frame().before : std::vector<kvx::Token>();
  const auto more = tokenizer.encode(parts.context), question_ids = tokenizer.encode(parts.question);
  context_ids.insert(context_ids.end(), more.begin(), more.end());

  start = Clock::now();
  kvx::Progress progress("prefill");
  auto prompt = kvx::compress(
      model, context_ids, settings.policy, settings.budget, dtype, threads,
      [&](kvx::Index layers) {
        progress.update(static_cast<double>(layers) / static_cast<double>(model.config().layers));
      },
      kvx::repeat_prompt(tokenizer, chat, options.system));
  progress.clear();
  const std::size_t compressed_bytes = prompt.start.bytes();
  auto sequence = std::move(prompt.start);
  if (!question_ids.empty()) {
    const kvx::Step question{&sequence, question_ids};
    prompt.logits = kvx::forward(model, {&question, 1}, threads);
  }
  double first_token = 0;
  kvx::StreamDecoder decoder(tokenizer, true);
  const auto answer = kvx::generate(model, sequence, std::move(prompt.logits), settings.sampler, options.max_new_tokens,
                                    threads, [&](kvx::Token token) {
                                      if (first_token == 0) first_token = seconds_since(start);
                                      std::fputs(decoder.next(token).c_str(), stdout);
                                      std::fflush(stdout);
                                    });
  std::printf("%s\n", decoder.finish().c_str());
  const double decode_seconds = seconds_since(start) - first_token;

  std::fprintf(stderr, "\n%zu context + %zu question tokens, %zu answer tokens; press %s\n", context_ids.size(),
               question_ids.size(), answer.size(), settings.policy.written().c_str());
  if (answer.size() > 1)
    std::fprintf(stderr, "decode %.1f tokens/s, ", static_cast<double>(answer.size() - 1) / decode_seconds);
  std::fprintf(stderr, "TTFT %.3f s, load %.2f s (%s, %s, %td threads)\n", first_token, load_seconds,
               options.dtype.c_str(), std::string(name_of(kvx::isa())).c_str(), threads.count());
  std::fprintf(stderr, "context cache %.3f MB before, %.3f MB after\n", static_cast<double>(prompt.full_bytes) / 1e6,
               static_cast<double>(compressed_bytes) / 1e6);
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Answers one prompt, with the KV cache of its context compressed by a press.", "kvx-generate");
  app.add_option("--model", options.model, "model directory, or [ORG/]NAME[@REVISION] in the local Hugging Face cache")
      ->capture_default_str();
  app.add_option("-p,--prompt", options.prompt, "the question");
  app.add_option("--context", options.context_file,
                 "file with the context to compress; without it, the whole prompt is")
      ->check(CLI::ExistingFile);
  app.add_option("--system", options.system, "system prompt; default: the chat template's");
  app.add_option("--template", options.chat, kvx_cli::kTemplateHelp);
  app.add_option("--template-vars", options.template_vars, kvx_cli::kTemplateVarsHelp);
  app.add_option("--template-date", options.template_date, kvx_cli::kTemplateDateHelp);
  app.add_option("--press", options.press, "press, such as snapkv or snapkv(window=32)")->capture_default_str();
  auto* budget = app.add_option_group("budget", "how much of the context's cache is removed or stays");
  budget->add_option("--ratio,--compression-ratio", options.ratio, "share of the rows to remove (default 0.5)");
  budget->add_option("--keep", options.keep, "exact number of rows to keep per KV head");
  budget->add_option("--kv-bytes", options.kv_bytes, "bytes of cache to keep, over all layers and heads");
  budget->require_option(0, 1);
  app.add_option("--max-new-tokens", options.max_new_tokens)->capture_default_str()->check(CLI::NonNegativeNumber);
  app.add_option("--temperature", options.sampler.temperature, "0 is greedy")->capture_default_str();
  app.add_option("--top-p", options.sampler.top_p)->capture_default_str();
  app.add_option("--top-k", options.sampler.top_k, "0 takes all")->capture_default_str();
  app.add_option("--seed", options.sampler.seed)->capture_default_str();
  app.add_option("--weights", options.weights, "bf16, f32 or int8 (default: as --dtype)")
      ->check(CLI::IsMember({"bf16", "f32", "int8"}));
  app.add_option("--dtype", options.dtype, "of the cache")
      ->capture_default_str()
      ->check(CLI::IsMember({"bf16", "f32"}));
  app.add_option("--threads", options.threads, "0 takes every core")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
  app.add_flag("--list-presses", options.list_presses, "print each press with its parameters and its paper");
  app.add_flag("--list-templates", options.list_templates,
               "print the chat templates that need no Jinja2, with their models");
  try {
    app.parse(argc, argv);
    if (options.list_presses) return std::fputs(kvx::kvx_presses().listing().c_str(), stdout), 0;
    if (options.list_templates) return std::fputs(kvx::native_templates_text().c_str(), stdout), 0;
    if (options.prompt.empty()) throw CLI::RequiredError("--prompt");
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  std::optional<Settings> settings;
  try {
    settings.emplace(options);
  } catch (const kvx::Error& error) {
    std::fprintf(stderr, "kvx-generate: %s\n", error.what());
    return 2;
  }
  try {
    generate(options, std::move(*settings));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "kvx-generate: %s\n", error.what());
    return 1;
  }
}
