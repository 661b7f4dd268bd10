// How fast a model runs on this machine, and how near that is to what the machine can do.
#include <CLI/CLI.hpp>
#include <kvx/core/available_bytes.hpp>
#include <kvx/core/dtype.hpp>
#include <kvx/core/error.hpp>
#include <kvx/core/progress.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/core/threads.hpp>
#include <kvx/eval/run/model_notes.hpp>
#include <kvx/eval/speed/machine.hpp>
#include <kvx/eval/speed/speed.hpp>
#include <kvx/eval/speed/speed_memory.hpp>
#include <kvx/eval/speed/speed_paths.hpp>
#include <kvx/eval/speed/speed_run.hpp>
#include <kvx/eval/speed/speed_text.hpp>
#include <kvx/eval/speed/text_loss.hpp>
#include <kvx/io/text_file.hpp>
#include <kvx/kernels/isa.hpp>
#include <kvx/kernels/packed_matrix.hpp>
#include <kvx/model/config.hpp>
#include <kvx/model/decoder.hpp>
#include <kvx/model/locate.hpp>
#include <kvx/model/model_shapes.hpp>
#include <kvx/text/tokenizer.hpp>

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>
#include <vector>

#include "cli/example_folder.hpp"

namespace {

struct Options {
  std::string model = kvx_cli::example_model(), dtype = "bf16", weights, paths, text, format = "md";
  kvx::SpeedOptions speed = {.prompts = {512}, .new_tokens = {64}, .depths = {0}, .batches = {1, 64}};
  kvx::Index repeats = 5;
  std::size_t windows = 16;
  int threads = 0;
  bool random = false;  // `model` is a shape; its weights are random
};

kvx::Dtype cache_dtype(const Options& options) { return options.dtype == "f32" ? kvx::Dtype::f32 : kvx::Dtype::bf16; }

/// Fills in what is measured, on the path of this process.
void bench(const Options& options, const std::string& dir, const kvx::ModelConfig& config, kvx::WeightFormat weights,
           kvx::SpeedReport& report) {
  using Clock = std::chrono::steady_clock;
  const auto seconds_since = [](Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
  };
  kvx::Threads threads(options.threads);
  report.limits.measure(threads, report.weight_bytes);
  auto start = Clock::now();
  const auto model = report.random_weights ? kvx::Decoder::random(report.model, config, weights, threads)
                                           : kvx::Decoder::load(dir, weights, threads);
  report.load_seconds = seconds_since(start);
  kvx::Progress progress("kvx-bench");
  const auto update = [&](double done) { progress.update(done); };
  const auto dtype = cache_dtype(options);
  const auto measure_again = [&] {
    if (seconds_since(start) < 2) return;
    report.limits.measure(threads, report.weight_bytes);
    start = Clock::now();
  };
  kvx::run_speed_tests(model, report.tests,
                       {.repeats = options.repeats, .dtype = dtype, .on_progress = update, .between = measure_again},
                       threads);
  if (options.text.empty()) return;
  constexpr std::size_t kWindow = 1024;
  const auto tokenizer = kvx::Tokenizer::load(dir);
  if (const auto note = kvx::frame_note(tokenizer)) std::fprintf(stderr, "note: %s\n", note->c_str());
  const auto tokens = tokenizer.encode_framed(kvx::read_text_file(options.text));
  const auto loss = kvx::text_loss(model, tokens, kWindow, options.windows, dtype, threads, update);
  report.text = std::filesystem::path(options.text).filename().string();
  report.perplexity = loss.perplexity();
  report.text_tokens = loss.tokens;
}

kvx::SpeedReport bench(const Options& options) {
  const std::string dir = options.random ? "" : kvx::locate_model(options.model);
  const auto weights = kvx::parse_weight_format(options.weights.empty() ? options.dtype : options.weights);
  const auto config = options.random ? kvx::load_model_shape(options.model) : kvx::ModelConfig::load(dir);
  kvx::SpeedReport report;
  report.cpu = kvx::cpu_name();
  report.threads = kvx::Threads(options.threads).count();
  report.random_weights = options.random;
  report.model = std::filesystem::path(options.model + "/").parent_path().filename().string() +
                 (options.random ? " (random weights) " : " ") + std::string(name_of(weights));
  report.tests = kvx::speed_tests(options.speed, config, weights, cache_dtype(options));
  report.weight_bytes = config.matrix_bytes(weights);
  report.parameters = config.parameters();
  if (options.random) {
    const std::size_t bytes = kvx::speed_bytes(config, weights, cache_dtype(options), report.tests);
    kvx::expect_available(bytes, kvx::available_bytes(), report.model);
    std::fprintf(stderr, "note: %s takes %s of memory\n", report.model.c_str(), kvx::gigabytes(bytes).c_str());
  }
  const auto run = [&](kvx::SpeedReport& here) { bench(options, dir, config, weights, here); };
  if (options.paths.empty())
    run(report);
  else
    report = kvx::bench_on_paths(kvx::parse_paths(options.paths), report, run);
  report.path = kvx::isa();
  return report;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Measures how fast a model runs, and this machine's read bandwidth and peak.", "kvx-bench");
  const auto list = [&](const char* flags, std::vector<kvx::Index>& sizes, kvx::Index least, const char* help) {
    app.add_option(flags, sizes, help)
        ->delimiter(',')
        ->capture_default_str()
        ->check(CLI::Range(least, kvx::Index{1} << 20));
  };
  app.add_option("--model", options.model, "model directory, or [ORG/]NAME[@REVISION] in the local Hugging Face cache")
      ->capture_default_str();
  app.add_option("--random", options.model,
                 "random weights instead of a model's, of a shape: a directory with a config.json, or one of " +
                     kvx::model_shape_names())
      ->excludes("--model");
  list("-p,--prompt", options.speed.prompts, 0, "tokens to prefill, with commas; 0 for none");
  list("-n,--new-tokens", options.speed.new_tokens, 0, "tokens to decode per sequence, with commas; 0 for none");
  list("-d,--depth", options.speed.depths, 0, "tokens in the shared cache before decoding, with commas");
  list("-b,--batch", options.speed.batches, 1, "sequences decoded together, with commas");
  app.add_option("-r,--repeats", options.repeats, "timed runs of each test")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000));
  app.add_option("--dtype", options.dtype, "of the cache")
      ->capture_default_str()
      ->check(CLI::IsMember({"bf16", "f32"}));
  app.add_option("--weights", options.weights, "bf16, f32 or int8 (default: as --dtype)")
      ->check(CLI::IsMember({"bf16", "f32", "int8"}));
  app.add_option("--paths", options.paths,
                 "compare these instruction sets, with commas, or all; unless given, -n is then 16, -d 1024 and -r 2 "
                 "(default: KVX_ISA, or the best one for this CPU)");
  app.add_option("--text", options.text, "file whose perplexity to measure too, in windows of 1024 tokens")
      ->excludes("--paths")
      ->excludes("--random");
  app.add_option("--text-windows", options.windows, "the first so many windows of it")
      ->capture_default_str()
      ->check(CLI::Range(1, 1 << 20));
  app.add_option("-t,--threads", options.threads, "0 takes every core")
      ->capture_default_str()
      ->check(CLI::Range(0, 1024));
  app.add_option("-o,--output", options.format, "md, csv or json")
      ->capture_default_str()
      ->check(CLI::IsMember({"md", "csv", "json"}));
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    std::fprintf(stderr, "kvx-bench: %s\n", error.what());
    return 2;
  }
  options.random = !app["--random"]->empty();
  if (!options.paths.empty()) {  // an old path takes minutes for what a new one does in seconds
    if (app["--new-tokens"]->empty()) options.speed.new_tokens = {16};
    if (app["--depth"]->empty()) options.speed.depths = {1024};
    if (app["--repeats"]->empty()) options.repeats = 2;
  }
  try {
    const kvx::SpeedReport report = bench(options);
    const std::string text = options.format == "csv"    ? kvx::speed_csv(report)
                             : options.format == "json" ? kvx::speed_json(report)
                                                        : kvx::speed_markdown(report);
    if (std::fputs(text.c_str(), stdout) < 0 || std::fflush(stdout) != 0) throw kvx::Error("stdout", "cannot write");
  } catch (const std::exception& error) {
    std::fprintf(stderr, "kvx-bench: %s\n", error.what());
    return 1;
  }
}
