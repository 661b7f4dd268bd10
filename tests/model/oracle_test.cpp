// The most important test: decoding with a compressed cache equals decoding with the full cache and the evicted rows
// masked.
#include "support/oracle.hpp"
#include "support/error_of.hpp"
#include "support/nested_presses.hpp"
#include "support/presses.hpp"
#include "support/reference.hpp"
#include "support/stated_protection.hpp"
#include "support/tiny_architectures.hpp"
#include "support/tiny_random.hpp"

#include <doctest/doctest.h>
#include <kvx/eval/run/scored_context.hpp>
#include <kvx/model/compress.hpp>
#include <kvx/model/forward.hpp>
#include <kvx/press/named/registry.hpp>

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

namespace {

using namespace kvx;

using kvx_test::random_tokens;

bool same_bits(const KvCache& a, const KvCache& b) {
  for (Index l = 0; l < a.layers(); ++l)
    for (std::size_t h = 0; h < a.layer(l).size(); ++h) {
      const HeadCache &x = a.layer(l)[h], &y = b.layer(l)[h];
      if (!std::ranges::equal(x.positions(), y.positions()) || x.keys<float>() != y.keys<float>() ||
          x.values<float>() != y.values<float>())
        return false;
    }
  return true;
}

struct OracleFixture {
  Threads threads{2};
  Decoder model = Decoder::load(kvx_test::kTinyRandom, WeightFormat::f32, threads);
  std::vector<Token> context = random_tokens(120, 1, model.config().vocab_size);
  std::vector<Token> question = random_tokens(7, 2, model.config().vocab_size);

  CompressedContext compressed(const AnyPolicy& press, double ratio) {
    return compress(model, context, press, Allowance::of_ratio(ratio), Dtype::f32, threads);
  }
  CompressedContext compressed(const std::string& press, double ratio) {
    return compressed(kvx_presses().parse(press), ratio);
  }
  std::vector<AnyPolicy> presses() const {
    return kvx_test::every_press(model.config().layers, model.config().kv_heads, model.config().head_dim);
  }
  Matrix<float> step(SequenceCache& sequence, std::span<const Token> tokens) {
    const Step step{&sequence, tokens};
    return forward(model, {&step, 1}, threads);
  }
  /// Compares decoding under every press with naive attention over the full cache, with the evicted rows masked.
  void check_presses(const std::vector<double>& ratios) {
    const auto full = compressed("none", 0);
    for (const AnyPolicy& press : presses()) {
      for (const double ratio : ratios) {
        CAPTURE(press.written());
        CAPTURE(ratio);
        CompressedContext pressed;
        try {
          pressed = compressed(press, ratio);
        } catch (const NotApplicable&) {
          continue;
        }
        auto sequence = pressed.start;
        // If the press has rewritten rows, naive attention uses these.
        const bool rewritten = press.traits().edits || press.quantization();
        const auto seen = [&] { return kvx_test::stored(sequence, model.cache_shape(Dtype::f32)); };
        kvx_test::Oracle oracle(model, rewritten ? seen() : *full.start.prefix, sequence);
        CHECK(step(sequence, question) == oracle.forward(question, threads));
        if (sequence.observer) {  // it changes rows after each step
          CHECK(oracle.worst() <= 1);
          for (const Token token : random_tokens(4, 3, model.config().vocab_size)) {
            kvx_test::Oracle after(model, seen(), sequence);
            CHECK(step(sequence, {&token, 1}) == after.forward({&token, 1}, threads));
            CHECK(after.worst() <= 1);
          }
          continue;
        }
        for (const Token token : random_tokens(4, 3, model.config().vocab_size))
          CHECK(step(sequence, {&token, 1}) == oracle.forward({&token, 1}, threads));
        CHECK(oracle.worst() <= 1);
      }
    }
  }
};

TEST_CASE_FIXTURE(OracleFixture,
                  "every press decodes like naive attention over the full cache with the evicted rows masked") {
  check_presses({0.0, 0.1, 0.5, 0.75, 0.95});
}

TEST_CASE_FIXTURE(OracleFixture,
                  "with every architecture, every press decodes like naive attention over the full cache") {
  for (const Architecture& architecture : kArchitectures) {
    CAPTURE(architecture.model_type);
    const kvx_test::TinyArchitecture tiny(architecture.model_type);
    model = Decoder::load(tiny.path(), WeightFormat::f32, threads);
    CHECK(model.config().parameters() == tiny.elements());
    context = random_tokens(120, 1, model.config().vocab_size);
    question = random_tokens(7, 2, model.config().vocab_size);
    check_presses({0.0, 0.6});
  }
}

TEST_CASE_FIXTURE(OracleFixture, "the oracle distinguishes a cache that lacks rows from one that has them") {
  const auto full = compressed("none", 0),
             shorter = compress(model, std::span(context).first(100), kvx_presses().parse("none"),
                                Allowance::of_ratio(0), Dtype::f32, threads);
  auto damaged = full.start;
  damaged.prefix = compressed("knorm", 0.5).start.prefix;
  kvx_test::Oracle complete(model, *full.start.prefix, full.start), masked(model, *full.start.prefix, damaged);
  kvx_test::Oracle mixed_up(model, *shorter.start.prefix, full.start);
  CHECK((complete.forward(question, threads) - masked.forward(question, threads)).cwiseAbs().maxCoeff() > 1e-2f);
  mixed_up.forward(question, threads);
  CHECK(mixed_up.worst() > 100);
}

// The positions of a sequence's rows in each head of each layer, in the order of the rows.
std::vector<std::vector<Index>> positions_of(const SequenceCache& sequence) {
  std::vector<std::vector<Index>> all;
  for (Index l = 0; l < sequence.tail.layers(); ++l)
    for (std::size_t h = 0; h < sequence.tail.layer(l).size(); ++h) {
      auto& head = all.emplace_back();
      for (const KvCache* part : {sequence.prefix.get(), &sequence.tail}) {
        const auto positions = part->layer(l)[h].positions();
        head.insert(head.end(), positions.begin(), positions.end());
      }
    }
  return all;
}

/// Whether each head has rows, and their positions ascend and are below that of the next token.
bool in_order(const SequenceCache& sequence, const std::vector<std::vector<Index>>& heads) {
  return std::ranges::all_of(heads, [&](const auto& head) {
    return !head.empty() && head.front() >= 0 && head.back() < sequence.next_position &&
           std::ranges::adjacent_find(head, std::greater_equal<>()) == head.end();
  });
}

/// Checks, with every press in two adapters and after every step, that keys are before the query, that positions ascend
/// and that protected rows remain in the layers without a window. Contexts have the given lengths.
void check_invariants(OracleFixture& f, const std::vector<Index>& lengths, kvx_test::Tally& tally) {
  const Decoder& model = f.model;
  const auto presses =
      kvx_test::nested_presses(model.config().layers, model.config().kv_heads, model.config().head_dim);
  const std::vector<NamedSpan> spans = {{"defense", {10, 30}}, {"instructions", {30, 47}}};
  const auto answer = random_tokens(12, 3, model.config().vocab_size);
  for (const Index tokens : lengths) {
    const std::vector<Token> prompt(f.context.begin(), f.context.begin() + tokens);
    std::vector<Cell> cells;
    for (const AnyPolicy& press : presses)
      for (const double ratio : {0.43, 0.95}) cells.push_back({press, Allowance::of_ratio(ratio)});
    const ScoredContext scored(model, prompt, cells, Dtype::f32, f.threads, {}, {}, spans);
    for (std::size_t c = 0; c < cells.size(); ++c) {
      CAPTURE(cells[c].policy.written());
      CAPTURE(tokens);
      CAPTURE(c % 2);
      if (!scored.reason(c).empty()) {
        ++tally.not_applicable;
        continue;
      }
      const auto stated = kvx_test::stated_protection(cells[c].policy, tokens),
                 later = kvx_test::stated_while_decoding(cells[c].policy);
      bool protected_rows_kept = true;
      for (Index l = 0; l < model.config().layers; ++l)
        for (const auto& head : scored.kept(c)[static_cast<std::size_t>(l)])
          protected_rows_kept = protected_rows_kept && (model.config().window(l) > 0 || stated.holds(head, tokens));
      CHECK(tally.count(protected_rows_kept));
      auto sequence = scored.start(c);
      CHECK(tally.count(in_order(sequence, positions_of(sequence))));
      for (std::size_t i = 0; i < answer.size(); ++i) {
        f.step(sequence, i == 0 ? f.question : std::vector<Token>{answer[i]});
        if (sequence.failure() != nullptr) {
          ++tally.not_applicable;
          break;
        }
        const auto heads = positions_of(sequence);
        bool hold = in_order(sequence, heads);
        for (std::size_t head = 0; head < heads.size(); ++head) {
          const Index l = static_cast<Index>(head) / model.config().kv_heads;
          hold = hold && (model.config().window(l) > 0 || later.holds(heads[head], sequence.next_position));
        }
        CHECK(tally.count(hold));
      }
    }
  }
}

TEST_CASE_FIXTURE(OracleFixture, "with every press in two adapters, a cache keeps its order and its protected rows") {
  kvx_test::Tally tally{"cache invariants", 0, 0, 0, "contexts or steps that a press does not support"};
  check_invariants(*this, {61, 101}, tally);
  CHECK(tally.cases > 10000);
}

TEST_CASE_FIXTURE(OracleFixture,
                  "with every press in two adapters, a cache with windows keeps its order and its protected rows") {
  kvx_test::Tally tally{"cache invariants, windows", 0, 0, 0, "contexts or steps that a press does not support"};
  const kvx_test::TinyArchitecture tiny("gemma3_text");
  model = Decoder::load(tiny.path(), WeightFormat::f32, threads);
  for (std::vector<Token>* const tokens : {&context, &question})
    *tokens = random_tokens(tokens->size(), 1, model.config().vocab_size);
  check_invariants(*this, {61}, tally);
  CHECK(tally.cases > 5000);
}

TEST_CASE_FIXTURE(OracleFixture, "at ratio 0 no press changes a bit of the cache") {
  const auto full = compressed("none", 0);
  for (const AnyPolicy& press : presses()) {
    const auto pressed = compressed(press, 0);
    if (press.traits().own_budget || pressed.start.observer || press.written().find("think") != std::string::npos)
      continue;
    CAPTURE(press.written());
    CHECK(same_bits(*full.start.prefix, *pressed.start.prefix));
    CHECK(pressed.start.prefix->bytes() == full.full_bytes);
  }
}

TEST_CASE_FIXTURE(OracleFixture, "decoding never changes the shared prefix, and sequences do not affect each other") {
  const auto pressed = compressed("snapkv(window=16)", 0.5), again = compressed("snapkv(window=16)", 0.5);
  auto first = pressed.start, second = pressed.start, third = pressed.start;
  const auto expected = step(first, question);
  step(second, random_tokens(9, 4, model.config().vocab_size));
  CHECK(step(third, question) == expected);
  CHECK(same_bits(*pressed.start.prefix, *again.start.prefix));
  CHECK(first.tail.layer(0).front().rows() == static_cast<Index>(question.size()));
}

TEST_CASE_FIXTURE(OracleFixture,
                  "with every architecture, logits have the same bits in any batch and in several steps") {
  for (const Architecture& architecture : kArchitectures) {
    CAPTURE(architecture.model_type);
    const kvx_test::TinyArchitecture tiny(architecture.model_type);
    model = Decoder::load(tiny.path(), WeightFormat::f32, threads);
    // More rows than the windows of layers and a block of attention, so that old ones are dropped between steps.
    context = random_tokens(130, 1, model.config().vocab_size);
    const auto long_question = random_tokens(170, 2, model.config().vocab_size),
               noise = random_tokens(11, 5, model.config().vocab_size);
    const auto pressed = compressed("knorm", 0.5), other = compressed("streaming_llm", 0.3);
    auto single = pressed.start, batched = pressed.start, neighbor = other.start, pieces = pressed.start,
         drafted = pressed.start;
    const auto expected = step(single, long_question);
    const std::vector<Step> batch = {{&neighbor, noise}, {&batched, long_question}};
    CHECK(forward(model, batch, threads).row(1) == expected.row(0));

    const std::span<const Token> tokens(long_question);
    step(pieces, tokens.first(3));
    for (std::size_t first = 3; first < 163; first += 20) step(pieces, tokens.subspan(first, 20));
    CHECK(step(pieces, tokens.subspan(163)) == expected);

    auto with_drafts = long_question;
    with_drafts.resize(100);
    with_drafts.insert(with_drafts.end(), {7, 8, 9, 10});
    step(drafted, with_drafts);
    drafted.take_back(4);
    CHECK(step(drafted, tokens.subspan(100)) == expected);
  }
}

TEST_CASE("layers with a window hold the rows of the window and no others, whatever the press") {
  Threads threads(2);
  const kvx_test::TinyArchitecture tiny("gemma3_text");
  const Decoder model = Decoder::load(tiny.path(), WeightFormat::f32, threads);
  const auto context = random_tokens(130, 1, 128), answer = random_tokens(300, 2, 128);
  const CacheShape shape = model.cache_shape(Dtype::f32);
  REQUIRE(model.config().windows() == 2);
  for (const std::string press :
       {"none", "knorm", "int4(group=16, residual=16)", "decoding(knorm, interval=3, target=60)"}) {
    CAPTURE(press);
    auto sequence =
        compress(model, context, kvx_presses().parse(press), Allowance::of_ratio(0.5), Dtype::f32, threads).start;
    CHECK(sequence.prefix->layer(0)[0].rows() == 20);
    CHECK(sequence.prefix->layer(0)[0].positions().front() == 110);
    CHECK(sequence.prefix->layer(2)[1].quantized_keys() == nullptr);
    Index most = 0;
    for (const Token token : answer) {
      const Step step{&sequence, {&token, 1}};
      forward(model, {&step, 1}, threads);
      most = std::max(most, sequence.tail.layer(2)[1].rows());
    }
    CHECK(most <= 20 + kAttentionBlock);
  }
  const auto kept_bytes = [&](std::size_t bytes) {
    return compress(model, context, kvx_presses().parse("knorm"), Allowance::of_bytes(bytes), Dtype::f32, threads)
        .start.prefix->bytes();
  };
  const std::size_t row = 2 * static_cast<std::size_t>(shape.kv_heads) * shape.row_bytes();  // of two layers
  CHECK(kept_bytes(20 * row + 10 * row) == 30 * row);
  CHECK(kept_bytes(20 * row + 11 * row - 1) == 30 * row);
  CHECK(error_of([&] { kept_bytes(20 * row); }).starts_with("kv-bytes: expected at least"));
  CHECK(error_of([&] {
          compress(model, context, kvx_presses().parse("kvzip"), Allowance::of_ratio(0.5), Dtype::f32, threads);
        }) == "kvzip: to repeat a context takes all of its rows, but 2 of the model's 4 layers hold only the last 20");
}

TEST_CASE_FIXTURE(OracleFixture,
                  "logits have the same bits in any batch, in several steps and on any number of threads") {
  for (const WeightFormat format : {WeightFormat::f32, WeightFormat::bf16, WeightFormat::int8}) {
    CAPTURE(name_of(format));
    model = Decoder::load(kvx_test::kTinyRandom, format, threads);
    const auto pressed = compressed("expected_attention", 0.6), other = compressed("streaming_llm", 0.3);
    auto single = pressed.start, batched = pressed.start, neighbor = other.start, pieces = pressed.start;
    const auto expected = step(single, question);

    const auto noise = random_tokens(11, 5, model.config().vocab_size);
    const std::vector<Step> batch = {{&neighbor, noise}, {&batched, question}};
    Threads four(4);
    CHECK(forward(model, batch, four).row(1) == expected.row(0));

    step(pieces, std::span(question).first(3));
    CHECK(step(pieces, std::span(question).subspan(3)) == expected);

    Threads one(1);
    const auto repeated =
        compress(model, context, kvx_presses().parse("expected_attention"), Allowance::of_ratio(0.6), Dtype::f32, one);
    CHECK(same_bits(*repeated.start.prefix, *pressed.start.prefix));
    CHECK(repeated.logits == pressed.logits);
  }
}

}  // namespace
