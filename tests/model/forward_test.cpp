#include "support/error_of.hpp"
#include "support/oracle.hpp"
#include "support/tiny_random.hpp"

#include <doctest/doctest.h>
#include <kvx/model/compress.hpp>
#include <kvx/model/generate.hpp>
#include <kvx/press/none.hpp>

#include <cmath>
#include <utility>
#include <vector>

namespace {

using namespace kvx;
using kvx_test::random_tokens;

struct ForwardFixture {
  Threads threads{2};
  Decoder model = Decoder::load(kvx_test::kTinyRandom, WeightFormat::f32, threads);
  std::vector<Token> prompt = random_tokens(60, 1);

  CompressedContext compressed(std::span<const Token> tokens, Dtype dtype = Dtype::f32) {
    return compress(model, tokens, AnyPolicy(None()), Allowance::of_ratio(0), dtype, threads);
  }
  std::string refused(std::span<const Token> tokens) {
    return error_of([&] { (void)compressed(tokens); });
  }
};

TEST_CASE_FIXTURE(ForwardFixture, "a prompt may be split anywhere between prefill and decoding") {
  const auto whole = compressed(prompt);
  for (const std::size_t split : {std::size_t{1}, std::size_t{30}, prompt.size() - 1}) {
    auto sequence = compressed(std::span(prompt).first(split)).start;
    const Step rest{&sequence, std::span(prompt).subspan(split)};
    CHECK((forward(model, {&rest, 1}, threads) - whole.logits).cwiseAbs().maxCoeff() <= 2 * kvx_test::kLogitRounding);
  }
}

TEST_CASE_FIXTURE(ForwardFixture, "heads and layers may have different rows") {
  const auto full = compressed(prompt);
  KvCache ragged(model.cache_shape(Dtype::f32));
  for (Index l = 0; l < ragged.layers(); ++l) {
    std::vector<std::vector<Index>> kept(2);
    for (std::size_t h = 0; h < 2; ++h)
      for (Index t = 0; t < static_cast<Index>(prompt.size()); t += 2 + l + static_cast<Index>(h)) kept[h].push_back(t);
    REQUIRE(kept[0].size() != kept[1].size());
    ragged.layer(l) = compacted(full.start.prefix->layer(l), kept);
  }
  SequenceCache sequence(std::make_shared<const KvCache>(std::move(ragged)), model.cache_shape(Dtype::f32),
                         full.start.next_position);
  kvx_test::Oracle oracle(model, *full.start.prefix, sequence);
  const auto question = random_tokens(5, 2);
  const Step step{&sequence, question};
  CHECK(forward(model, {&step, 1}, threads) == oracle.forward(question, threads));
  CHECK(oracle.worst() <= 1);
}

TEST_CASE_FIXTURE(ForwardFixture, "a bf16 cache is an f32 cache of rounded rows, in half its bytes without positions") {
  const auto full = compressed(prompt), half = compressed(prompt, Dtype::bf16);
  CHECK(half.start.prefix->bytes() - full.start.prefix->bytes() / 2 ==
        static_cast<std::size_t>(full.start.prefix->rows()) * 2);
  const CacheShape shape = model.cache_shape(Dtype::f32);
  const auto widened = std::make_shared<const KvCache>(kvx_test::stored(half.start, shape));
  const auto rounded = [](const auto& rows) {
    return Matrix<float>(rows.template cast<BF16>().template cast<float>());
  };
  for (Index l = 0; l < shape.layers; ++l)
    for (std::size_t h = 0; h < widened->layer(l).size(); ++h) {
      const HeadCache &found = widened->layer(l)[h], &exact = full.start.prefix->layer(l)[h];
      CHECK(found.keys<float>() == rounded(exact.keys<float>()));
      CHECK(found.values<float>() == rounded(exact.values<float>()));
    }
  SequenceCache bf16(half.start.prefix, shape, 60), f32(widened, shape, 60);
  const auto question = random_tokens(5, 2);
  const Step narrow{&bf16, question}, wide{&f32, question};
  CHECK(forward(model, {&narrow, 1}, threads) == forward(model, {&wide, 1}, threads));
}

TEST_CASE_FIXTURE(ForwardFixture, "steps that a model cannot run are refused, and change nothing") {
  CHECK(refused({}) == "context: expected at least one token, found none");
  CHECK(refused(std::vector<Token>{1, 512}) == "token: expected an id below 512 (config.json: vocab_size), found 512");
  CHECK(refused(std::vector<Token>{-1}).ends_with("found -1"));
  CHECK(refused(std::vector<Token>(4097, 1)) ==
        "prompt: expected at most 4096 positions (config.json: max_position_embeddings), found 4097");

  auto sequence = compressed(prompt).start, other = sequence;
  const auto question = random_tokens(3, 2), wrong = std::vector<Token>{7, 999};
  const std::vector<Step> with_empty = {{&other, question}, {&sequence, {}}};
  const std::vector<Step> with_wrong = {{&other, question}, {&sequence, wrong}};
  CHECK(error_of([&] { (void)forward(model, with_empty, threads); }) ==
        "step: expected at least one token, found none");
  CHECK(!error_of([&] { (void)forward(model, with_wrong, threads); }).empty());
  CHECK(other.tail.rows() == 0);
  CHECK(other.next_position == 60);
}

TEST_CASE_FIXTURE(ForwardFixture, "an answer ends at a stop token, at its limit, or at the model's last position") {
  auto context = compressed(prompt);
  Sampler greedy({});
  const auto answer_of = [&](Index limit) {
    auto sequence = context.start;
    std::size_t streamed = 0;
    const auto answer = generate(model, sequence, context.logits, greedy, limit, threads, [&](Token) { ++streamed; });
    CHECK(streamed == answer.size());
    return answer;
  };
  const auto ten = answer_of(10);
  CHECK(ten.size() == 10);
  CHECK(answer_of(0).empty());
  CHECK(answer_of(4) == std::vector<Token>(ten.begin(), ten.begin() + 4));

  context.start.next_position = 4093;
  CHECK(answer_of(10).size() == 4);  // the first comes from the context's logits, three more fit
}

}  // namespace
