// examples/models/tiny-llama is examples/models/tiny in another architecture.
#include "support/reference.hpp"

#include <doctest/doctest.h>
#include <kvx/io/mapped_file.hpp>
#include <kvx/model/compress.hpp>
#include <kvx/model/generate.hpp>
#include <kvx/press/none.hpp>
#include <kvx/text/tokenizer.hpp>

#include <string>
#include <utility>
#include <vector>

namespace {

using namespace kvx;

/// The logits after a prompt, and the greedy answer.
std::pair<Matrix<float>, std::vector<Token>> answer_of(const std::string& dir, const std::string& prompt,
                                                       WeightFormat format) {
  Threads threads(2);
  const Decoder model = Decoder::load(dir, format, threads);
  auto context = compress(model, Tokenizer::load(dir).encode(prompt), AnyPolicy(None()), Allowance::of_ratio(0),
                          Dtype::bf16, threads);
  Sampler greedy{SamplerOptions()};
  auto tokens = generate(model, context.start, context.logits, greedy, 12, threads, [](Token) {});
  return {context.logits, std::move(tokens)};
}

}  // namespace

TEST_CASE("the tiny model gives the same logits and answers in the Llama architecture") {
  const std::string llama = KVX_SOURCE_DIR "/examples/models/tiny-llama";
  CHECK(ModelConfig::load(llama).architecture.model_type == "llama");
  const std::string catalog(MappedFile(KVX_SOURCE_DIR "/examples/data/catalog.txt").text());
  for (const std::string& prompt :
       {catalog, catalog + "<|im_start|>user\nWeather in Denver?<|im_end|>\n",
        std::string("<|im_start|>user\nSet an alarm for 7.<|im_end|>\n<|im_start|>assistant\n")})
    for (const WeightFormat format : {WeightFormat::f32, WeightFormat::bf16}) {
      CAPTURE(prompt);
      CHECK(answer_of(llama, prompt, format) == answer_of(kvx_test::kTinyModel, prompt, format));
    }
}
