#include <kvx/model/rolling_cache.hpp>

#include "support/error_of.hpp"
#include "support/presses.hpp"
#include "support/random_floats.hpp"
#include "support/tiny_random.hpp"

#include <doctest/doctest.h>
#include <kvx/core/threads.hpp>
#include <kvx/eval/run/scored_context.hpp>
#include <kvx/model/compress.hpp>
#include <kvx/model/forward.hpp>
#include <kvx/press/named/registry.hpp>

#include <algorithm>
#include <span>
#include <string>
#include <vector>

namespace {

using namespace kvx;
using kvx_test::random_tokens;

struct RollingFixture {
  Threads threads{2};
  Decoder model = Decoder::load(kvx_test::kTinyRandom, WeightFormat::f32, threads);
  std::vector<Token> context = random_tokens(200, 1, model.config().vocab_size);

  SequenceCache start(const std::string& press, double ratio = 0, Dtype dtype = Dtype::f32) {
    return compress(model, context, kvx_presses().parse(press), Allowance::of_ratio(ratio), dtype, threads).start;
  }
  Matrix<float> feed(SequenceCache& sequence, const std::vector<Token>& tokens) {
    const Step step{&sequence, tokens};
    return forward(model, {&step, 1}, threads);
  }
  static Index most_rows(const SequenceCache& sequence) {
    Index highest = 0;
    for (Index l = 0; l < sequence.tail.layers(); ++l)
      for (std::size_t h = 0; h < sequence.tail.layer(l).size(); ++h)
        highest = std::max(highest, sequence.tail.layer(l)[h].rows() + sequence.prefix->layer(l)[h].rows());
    return highest;
  }
};

TEST_CASE_FIXTURE(RollingFixture, "a decoding press keeps every layer within its budget after every step") {
  for (const std::string press :
       {"decoding(knorm, interval=7, target=90)", "decoding(snapkv(window=5), interval=7, target=90)",
        "prefill_decoding(ada(snapkv(window=16)), decoding(keydiff, interval=7, target=90))",
        "decoding(keydiff, interval=7, target=90)+int4(group=16, residual=32)"}) {
    CAPTURE(press);
    auto sequence = start(press, 0.5);
    feed(sequence, random_tokens(11, 2, model.config().vocab_size));
    Index steps = 1;
    for (const Token token : random_tokens(60, 3, model.config().vocab_size)) {
      feed(sequence, {token});
      if (++steps >= 7) CHECK(most_rows(sequence) <= 90 + 6);
      if (steps % 7 == 0) CHECK(most_rows(sequence) == 90);
    }
    CHECK(sequence.next_position == 200 + 11 + 60);
  }
}

TEST_CASE_FIXTURE(RollingFixture, "2000 tokens can be decoded in a cache of limited size") {
  auto sequence = start("decoding(streaming_llm, interval=16, target=64)+int8(group=16, residual=16)");
  Token token = 1;
  std::size_t most_bytes = 0;
  for (int step = 0; step < 2000; ++step) {
    const auto logits = feed(sequence, {token});
    REQUIRE(logits.allFinite());
    logits.row(0).maxCoeff(&token);
    if (step >= 16) most_bytes = std::max(most_bytes, sequence.bytes());
    if (step >= 16) CHECK(most_rows(sequence) <= 64 + 15);
  }
  CHECK(most_bytes < start("none").bytes());
}

TEST_CASE_FIXTURE(RollingFixture, "quantized rows occupy the bytes that are predicted for them") {
  for (const std::string press : {"int8(group=16, residual=32)", "int4(group=32, residual=64)",
                                  "int2(group=16, residual=16)", "ada(knorm)+int4(group=16, residual=32)"})
    for (const Index tokens : {15, 40, 161, 200}) {
      CAPTURE(press);
      CAPTURE(tokens);
      const std::vector<Token> prompt(context.begin(), context.begin() + tokens);
      const Cell cell{kvx_presses().parse(press), Allowance::of_ratio(press.starts_with("ada") ? 0.5 : 0)};
      const ScoredContext scored(model, prompt, {&cell, 1}, Dtype::bf16, threads);
      const auto sequence = scored.start(0);
      CHECK(sequence.bytes() == scored.bytes(0));
      CHECK(sequence.prefix->bytes() <= scored.bytes(0));
      CHECK(scored.own_bytes(0) <= scored.bytes(0));
    }
  // 200 rows of int4, group 32, residual 64: 192 quantized keys and 136 quantized values of 16 channels; 8 keys and 64
  // values in bf16.
  const Cell cell{kvx_presses().parse("int4(group=32, residual=64)"), Allowance::of_ratio(0)};
  const ScoredContext scored(model, context, {&cell, 1}, Dtype::bf16, threads);
  const std::size_t keys = 192 * 16 / 2 + 192 / 32 * 16 * 4, values = 136 * 16 / 2 + 136 * 4,
                    unquantized = (8 + 64) * 16 * 2;
  CHECK(scored.bytes(0) == 8 * (keys + values + unquantized + 200 * sizeof(Position)));
}

TEST_CASE_FIXTURE(RollingFixture, "copies of a sequence share the quantized blocks and grow independently") {
  const auto first = start("int4(group=16, residual=32)");
  auto a = first, b = first;
  CHECK(a.prefix == b.prefix);
  CHECK(a.prefix->rows() == 160 * 8);
  const auto tokens = random_tokens(50, 4, model.config().vocab_size);
  const auto expected = feed(a, tokens);
  feed(b, random_tokens(9, 5, model.config().vocab_size));
  auto c = first;
  CHECK(feed(c, tokens) == expected);
  CHECK(most_rows(b) == 209);
}

// The positions of the rows in the tail of each head.
std::vector<std::vector<Position>> own_positions(const SequenceCache& sequence) {
  std::vector<std::vector<Position>> all;
  for (Index l = 0; l < sequence.tail.layers(); ++l)
    for (const HeadCache& head : sequence.tail.layer(l))
      all.emplace_back(head.positions().begin(), head.positions().end());
  return all;
}

TEST_CASE_FIXTURE(RollingFixture, "protected spans, as numbers or by name, survive every eviction during an answer") {
  const std::vector<NamedSpan> spans = {{"system", {20, 27}}};
  const AnyPolicy press = kvx_presses().parse("decoding(protect(knorm, span=[10:20, system]), interval=4, target=25)");
  auto sequence =
      compress(model, std::span(context).first(60), press, Allowance::of_ratio(0.5), Dtype::f32, threads, {}, {}, spans)
          .start;
  feed(sequence, random_tokens(3, 2, model.config().vocab_size));
  for (const Token token : random_tokens(30, 3, model.config().vocab_size)) {
    feed(sequence, {token});
    REQUIRE(sequence.failure() == nullptr);
    for (const auto& head : own_positions(sequence))
      for (Position position = 10; position < 27; ++position)
        CHECK(std::binary_search(head.begin(), head.end(), position));
  }
  CHECK(most_rows(sequence) <= 25 + 3);
}

TEST_CASE_FIXTURE(RollingFixture, "a step that the press does not support ends only its own sequence of the batch") {
  const AnyPolicy press = kvx_presses().parse("decoding(snapkv(window=16), interval=16, ratio=0.9)");
  auto served = start("decoding(knorm, interval=1, target=50)"), single = served;
  auto failing =
      compress(model, std::span(context).first(60), press, Allowance::of_ratio(0), Dtype::f32, threads).start;
  const auto seven = random_tokens(7, 2, model.config().vocab_size);  // more than the six rows that are to be kept
  const std::vector<Step> steps = {{&failing, seven}, {&served, seven}};
  const auto logits = forward(model, steps, threads);
  REQUIRE(failing.failure() != nullptr);
  CHECK(std::string(failing.failure()->what()) ==
        "decoding: a step of 7 tokens has fewer than 16 queries for snapkv(window=16)");
  CHECK(SequenceCache(failing).failure() != nullptr);
  CHECK(served.failure() == nullptr);
  CHECK(feed(single, seven) == logits.row(1));
}

TEST_CASE_FIXTURE(RollingFixture, "an error while rows are evicted or quantized ends the run, not only the sequence") {
  const auto read = [](const std::string&, const std::string&) { return Matrix<float>(Matrix<float>::Ones(3, 16)); };
  const auto press = kvx_presses().parse("decoding(qfilter(file=short), interval=1, target=40)", {{}, read});
  auto evicting = compress(model, context, press, Allowance::of_ratio(0), Dtype::f32, threads).start;
  CHECK(error_of([&] { feed(evicting, {1}); }).starts_with("qfilter: short: filters: expected "));
  CHECK(evicting.failure() == nullptr);

  auto quantizing = start("int8(group=16, residual=16)");
  quantizing.tail.layer(1)[0].values<float>()(0, 0) = 1e6f;
  CHECK(error_of([&] {
          for (const Token token : random_tokens(20, 3, model.config().vocab_size)) feed(quantizing, {token});
        }) == "quantized rows: append: expected elements within 65504, found others");
  CHECK(quantizing.failure() == nullptr);
}

TEST_CASE_FIXTURE(RollingFixture, "a sequence that a press cannot continue while decoding fails without an exception") {
  const ModelConfig& config = model.config();
  const auto read = kvx_test::made_up_files(config.layers, config.kv_heads, config.head_dim);
  std::size_t presses = 0, served = 0, refused = 0;
  for (const AnyPolicy& inner : kvx_test::every_press(config.layers, config.kv_heads, config.head_dim)) {
    AnyPolicy press;
    try {
      press = kvx_presses().parse("decoding(" + inner.written() + ", interval=16, ratio=0.9)", {1, read});
    } catch (const Error&) {
      continue;  // decoding(...) cannot wrap this press
    }
    ++presses;
    for (const Index tokens : {3, 20, 70})
      for (const std::size_t question : {1u, 9u, 30u}) {
        CAPTURE(press.written());
        CAPTURE(tokens);
        CAPTURE(question);
        auto sequence = compress(model, std::span(context).first(static_cast<std::size_t>(tokens)), press,
                                 Allowance::of_ratio(0), Dtype::f32, threads)
                            .start;
        CHECK_NOTHROW(feed(sequence, random_tokens(question, 2, config.vocab_size)));
        for (const Token token : random_tokens(20, 3, config.vocab_size))
          if (sequence.failure() == nullptr) CHECK_NOTHROW(feed(sequence, {token}));
        ++(sequence.failure() == nullptr ? served : refused);
      }
  }
  CHECK(presses >= 10);
  CHECK(served > 2 * presses);
  CHECK(refused > 0);
}

TEST_CASE_FIXTURE(RollingFixture, "the bytes of a sequence include the queries that a press remembers") {
  auto sequence = start("decoding(snapkv(window=5), interval=7, target=90)");
  CHECK(sequence.bytes() == sequence.tail.bytes());
  feed(sequence, random_tokens(3, 2, model.config().vocab_size));
  const ModelConfig& config = model.config();
  const auto token_bytes = static_cast<std::size_t>(config.layers * config.heads * config.head_dim) * sizeof(float);
  CHECK(sequence.bytes() >= sequence.tail.bytes() + 3 * token_bytes);
  for (const std::size_t count : {1u, 11u, 1u, 1u}) {
    feed(sequence, random_tokens(count, 3, config.vocab_size));
    CHECK(sequence.bytes() == sequence.tail.bytes() + 5 * token_bytes);
  }
}

TEST_CASE_FIXTURE(RollingFixture, "heads with different numbers of rows use their own filters") {
  const auto floats = kvx_test::random_floats(8 * 16, 7);  // 4 layers of 2 heads of 16 channels
  const auto read = [&](const std::string&, const std::string&) {
    return Matrix<float>(view(floats.data(), 8, 16, 16));
  };
  const AnyPolicy press = kvx_presses().parse(
      "prefill_decoding(ada(knorm), decoding(qfilter(file=filters), interval=1, target=40))", {.read = read});
  auto sequence = compress(model, context, press, Allowance::of_ratio(0.5), Dtype::f32, threads).start;
  const auto full = start("none");
  const auto before = own_positions(sequence);
  feed(sequence, {1});
  REQUIRE(sequence.failure() == nullptr);
  const auto after = own_positions(sequence);
  bool ragged = false;
  for (std::size_t head = 0; head < before.size(); ++head) {
    ragged = ragged || before[head].size() != before[0].size();
    const auto keys = full.prefix->layer(static_cast<Index>(head / 2))[head % 2].keys<float>();
    const auto score = [&](Position position) {
      return -keys.row(position).dot(view(floats.data(), 8, 16, 16).row(static_cast<Index>(head)));
    };
    for (const Position kept : after[head])
      for (const Position old : before[head])
        if (kept < 200 && !std::binary_search(after[head].begin(), after[head].end(), old))
          CHECK(score(kept) >= score(old));
  }
  CHECK(ragged);
}

TEST_CASE_FIXTURE(RollingFixture, "while decoding, dms evicts rows with low scores when they leave the window") {
  const float threshold = -3.9f;
  auto sequence = start("dms(knorm, threshold=-3.9, window=8, decoding=true)");
  const auto question = random_tokens(11, 2, model.config().vocab_size);
  feed(sequence, question);
  std::size_t evicted = 0;
  Position next = 211;
  for (const Token token : random_tokens(40, 3, model.config().vocab_size)) {
    const auto before = own_positions(sequence);
    const Position leaving = next - 8;
    std::vector<bool> is_kept;
    for (std::size_t head = 0; head < before.size(); ++head) {
      const auto row = std::lower_bound(before[head].begin(), before[head].end(), leaving) - before[head].begin();
      const HeadCache& rows = sequence.tail.layer(static_cast<Index>(head / 2))[head % 2];
      is_kept.push_back(-rows.keys<float>().row(row).norm() >= threshold);
    }
    feed(sequence, {token});
    const auto after = own_positions(sequence);
    for (std::size_t head = 0; head < after.size(); ++head) {
      auto expected = before[head];
      expected.push_back(next);
      if (!is_kept[head]) evicted += std::erase(expected, leaving);
      CHECK(after[head] == expected);
    }
    ++next;
  }
  CHECK(evicted > 10);
}

TEST_CASE_FIXTURE(RollingFixture, "steps that are undone have no effect") {
  for (const std::string press : {"knorm", "decoding(knorm, interval=20, target=90)"}) {
    CAPTURE(press);
    auto plain = start(press, 0.5), drafted = plain;
    const auto question = random_tokens(5, 6, model.config().vocab_size),
               answer = random_tokens(30, 8, model.config().vocab_size);
    feed(plain, question);
    auto with_drafts = question;
    with_drafts.insert(with_drafts.end(), {7, 8, 9});
    if (drafted.observer) CHECK(drafted.observer->steps_left(drafted, 5) == 19);
    const Step step{&drafted, with_drafts, 4};
    forward(model, {&step, 1}, threads);
    drafted.take_back(3);
    CHECK(drafted.next_position == plain.next_position);
    for (const Token token : answer) CHECK(feed(drafted, {token}) == feed(plain, {token}));
  }
}

}  // namespace
