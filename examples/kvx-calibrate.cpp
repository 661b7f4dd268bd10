// Writes the file that duo_attention and qfilter ask for.
#include <CLI/CLI.hpp>
#include <kvx/core/error.hpp>
#include <kvx/core/progress.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/core/threads.hpp>
#include <kvx/core/token.hpp>
#include <kvx/eval/records/output_file.hpp>
#include <kvx/eval/run/model_notes.hpp>
#include <kvx/io/text_file.hpp>
#include <kvx/io/write_safetensors.hpp>
#include <kvx/model/calibrate.hpp>
#include <kvx/model/decoder.hpp>
#include <kvx/model/locate.hpp>
#include <kvx/text/tokenizer.hpp>
#include <kvx/text/utf8.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <span>
#include <string>
#include <vector>

namespace {

struct Options {
  std::string model, text, out;
  std::size_t texts = 50, tokens = 500;
  int threads = 0;
};

void calibrate(const Options& options) {
  constexpr kvx::Index kPositions = 500;  // as kvpress scores heads
  const auto start = std::chrono::steady_clock::now();
  auto out = kvx::OutputFile::replacing(options.out);
  kvx::Threads threads(options.threads);
  const std::string dir = kvx::locate_model(options.model), text = kvx::read_text_file(options.text);
  kvx::check_utf8(text, options.text);
  const auto tokenizer = kvx::Tokenizer::load(dir);
  if (const auto note = kvx::frame_note(tokenizer)) std::fprintf(stderr, "note: %s\n", note->c_str());
  const auto ids = tokenizer.encode_framed(text);
  // From all over the text.
  const std::size_t stride = ids.size() / options.texts;
  if (stride < options.tokens)
    throw kvx::Error(options.text, "expected at least " + std::to_string(options.texts) + " x " +
                                       std::to_string(options.tokens) + " tokens, found " + std::to_string(ids.size()));
  std::vector<std::span<const kvx::Token>> texts;
  for (std::size_t i = 0; i < options.texts; ++i) texts.push_back(std::span(ids).subspan(i * stride, options.tokens));

  const auto model = kvx::Decoder::load(dir, kvx::WeightFormat::bf16, threads);
  kvx::Progress progress("calibrate");
  const auto found = kvx::calibrate(model, texts, kPositions, threads, [&](double done) { progress.update(done); });
  progress.clear();
  const auto values = [](const kvx::Matrix<float>& matrix) {
    return std::span(matrix.data(), static_cast<std::size_t>(matrix.size()));
  };
  const auto& config = model.config();
  const std::array<kvx::FloatTensor, 2> tensors = {
      {{"head_scores", {config.layers, config.kv_heads}, values(found.head_scores)},
       {"filters", {config.layers, config.kv_heads, config.head_dim}, values(found.filters)}}};
  out.write(kvx::write_safetensors(tensors));
  out.publish();
  std::fprintf(stderr, "%zu texts of %zu tokens in %.1f s: head_scores and filters of %td layers in %s\n",
               options.texts, options.tokens,
               std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(), config.layers,
               options.out.c_str());
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app(
      "Writes the file of duo_attention(file=...) and qfilter(file=...) for a model, from its queries and keys over "
      "pieces of a text.",
      "kvx-calibrate");
  app.add_option("--model", options.model, "model directory, or [ORG/]NAME[@REVISION] in the local Hugging Face cache")
      ->required();
  app.add_option("--text", options.text, "UTF-8, plain or gzip, such as a book")->required();
  app.add_option("--texts", options.texts, "pieces to take, from all over it")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  app.add_option("--tokens", options.tokens, "of each piece")->capture_default_str()->check(CLI::PositiveNumber);
  app.add_option("--out", options.out, "safetensors file to write")->required();
  app.add_option("--threads", options.threads, "0 takes every core")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  try {
    calibrate(options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "kvx-calibrate: %s\n", error.what());
    return 1;
  }
}
