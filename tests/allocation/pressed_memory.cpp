// A program whose operator new counts bytes: checks the memory that the caches of all presses really allocate, in every
// format and while answers are decoded.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include "counting_new.hpp"
#include "support/presses.hpp"
#include "support/reference.hpp"
#include "support/temp_dir.hpp"
#include "support/tiny_random.hpp"

#include <doctest/doctest.h>
#include <kvx/cache/growth.hpp>
#include <kvx/cache/kv_cache.hpp>
#include <kvx/cache/sequence_cache.hpp>
#include <kvx/core/error.hpp>
#include <kvx/core/resident_bytes.hpp>
#include <kvx/model/compress.hpp>
#include <kvx/model/forward.hpp>
#include <kvx/press/budget_of.hpp>
#include <kvx/press/decoding.hpp>
#include <kvx/press/named/registry.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace kvx;
using kvx_test::live_bytes;

/// The bytes that the rows of a head need in their format, without unused memory.
std::size_t needed(const HeadCache& head) {
  const auto dim = static_cast<std::size_t>(head.head_dim()), rows = static_cast<std::size_t>(head.rows());
  std::size_t sum = rows * (2 * dim * size_of(head.dtype()) + sizeof(Position));
  for (const auto& [quantized, content] : {std::pair{head.quantized_keys(), QuantizedRows::Content::keys},
                                           std::pair{head.quantized_values(), QuantizedRows::Content::values}}) {
    if (quantized == nullptr) continue;
    const Index count = quantized->rows();
    sum -= static_cast<std::size_t>(count) * dim * size_of(head.dtype());
    const auto ends = quantized->view().group_ends;
    if (ends.empty()) {
      sum += QuantizedRows::bytes(content, quantized->quantization(), head.head_dim(), count);
      continue;
    }
    // Codes in panels of 16 rows, a scale and a zero for each group and channel, and the end of each group.
    const std::size_t codes = static_cast<std::size_t>(32 / quantized->quantization().bits);
    sum += static_cast<std::size_t>((count + 15) / 16 * 16) * ((dim + codes - 1) / codes) * 4 +
           ends.size() * (2 * 2 * dim + 4);
  }
  return sum;
}

std::size_t needed(const SequenceCache& sequence) {
  std::size_t sum = 0;
  for (const KvCache* part : {sequence.prefix.get(), &sequence.tail})
    for (Index l = 0; l < part->layers(); ++l)
      for (const HeadCache& head : part->layer(l)) sum += needed(head);
  return sum;
}

struct MemoryFixture {
  Threads threads{1};
  Decoder model = Decoder::load(kvx_test::kTinyRandom, WeightFormat::f32, threads);
  const Dtype dtype = Dtype::bf16;
  const CacheShape shape = model.cache_shape(dtype);
  const std::size_t heads = static_cast<std::size_t>(shape.layers * shape.kv_heads),
                    block = heads * static_cast<std::size_t>(kCacheBlock) * shape.row_bytes();

  SequenceCache pressed(const AnyPolicy& policy, const Allowance& allowance, std::size_t tokens = 203) {
    return compress(model, kvx_test::random_tokens(tokens, 1, model.config().vocab_size), policy, allowance, dtype,
                    threads)
        .start;
  }
  void feed(SequenceCache& sequence, const std::vector<Token>& tokens, Workspace& work) {
    const Step step{&sequence, tokens};
    forward_hidden(model, {&step, 1}, work, threads);
  }

  /// Each press of the registry, unquantized and in three formats, without and with another press while decoding.
  std::vector<AnyPolicy> presses() const {
    const auto read = kvx_test::made_up_files(shape.layers, shape.kv_heads, shape.head_dim);
    std::vector<AnyPolicy> all;
    for (const AnyPolicy& press : kvx_test::every_press(shape.layers, shape.kv_heads, shape.head_dim)) {
      if (press.quantization()) continue;
      std::vector<std::string> texts = {press.written()};
      if (!press.rolls() && (!press.traits().outermost || press.needs().repetition))
        texts.push_back("prefill_decoding(" + press.written() + ", decoding(knorm, interval=5, target=70))");
      for (const std::string& text : texts)
        for (const char* format : {"", "+int8(group=16, residual=32)", "+int4(group=32, residual=64)",
                                   "+int2(group=16, residual=7, keys=per_token)"})
          if (*format == 0 || !press.sliding_threshold())  // presses that evict single rows cannot quantize
            all.push_back(kvx_presses().parse(text + format, {1, read}));
    }
    return all;
  }
};

TEST_CASE_FIXTURE(MemoryFixture,
                  "a cache allocates at most a block more than its rows need, and bytes() reports this") {
  kvx_test::Tally tally{"memory of presses, formats and decoding", 0, 0, 0, "contexts too short for the press"};
  Workspace work;
  for (const AnyPolicy& policy : presses()) {
    CAPTURE(policy.written());
    std::optional<SequenceCache> sequence;
    try {
      sequence = pressed(policy, Allowance::of_ratio(0.55));
    } catch (const NotApplicable&) {
      ++tally.not_applicable;
      continue;
    }
    CHECK(tally.count(sequence->bytes() == needed(*sequence)));
    const Decoding* const decoding = policy.decoding();
    const Index remembered = decoding == nullptr ? 0 : decoding->inner.needs().queries;
    const std::size_t queries =
        static_cast<std::size_t>(remembered * shape.layers * model.config().heads * shape.head_dim) * sizeof(float);
    const auto allocated_by_copy = [&] {
      const std::ptrdiff_t before = live_bytes;
      const auto copy = sequence->observer ? sequence->observer->clone() : nullptr;
      return live_bytes - before;
    };
    const std::ptrdiff_t observer = allocated_by_copy();
    for (int step = 0; step < 80; ++step) {
      feed(*sequence, kvx_test::random_tokens(step == 0 ? 11 : 1, 2, model.config().vocab_size), work);
      const std::size_t bytes = sequence->bytes(), limit = needed(*sequence) + queries + block;
      CAPTURE(step);
      CHECK(tally.count(bytes <= limit));
    }
    // The freed bytes are those that bytes() reported, and the objects that held the rows.
    const std::size_t stated = sequence->bytes() - queries;
    CHECK(tally.count(allocated_by_copy() - observer == static_cast<std::ptrdiff_t>(queries)));
    const std::ptrdiff_t before = live_bytes;
    sequence->tail = KvCache(shape);
    sequence->prefix = std::make_shared<const KvCache>();
    const std::ptrdiff_t freed = before - live_bytes;
    const auto objects = static_cast<std::ptrdiff_t>(static_cast<std::size_t>(shape.layers) * sizeof(LayerCache) +
                                                     heads * sizeof(HeadCache));
    CHECK(tally.count(freed == static_cast<std::ptrdiff_t>(stated) + objects));
  }
}

TEST_CASE_FIXTURE(MemoryFixture, "a budget in bytes keeps as many rows as fit, in any format") {
  kvx_test::Tally tally{"budgets in bytes", 0, 0, 0, "contexts too short for the press"};
  const std::size_t row = heads * shape.row_bytes();
  for (const AnyPolicy& policy : presses()) {
    const Traits traits = policy.traits();
    if (traits.own_budget || traits.by_ratio || policy.decoding() != nullptr) continue;
    for (const std::size_t limit : {17 * row + 5, 97 * row - 1}) {
      CAPTURE(policy.written());
      CAPTURE(limit);
      try {
        const Budget budget = budget_of(policy, Allowance::of_bytes(limit), 203, shape);
        const SequenceCache sequence = pressed(policy, Allowance::of_bytes(limit));
        const std::size_t bytes = sequence.bytes();
        CHECK(tally.count(bytes <= limit));
        if (traits.ragged && policy.quantization()) {  // the number of quantized rows depends on the heads
          const bool all_rows_kept = sequence.prefix->rows() + sequence.tail.rows() == static_cast<Index>(heads) * 203;
          CHECK(tally.count(all_rows_kept ||
                            bytes + kvx_test::bytes_of_a_row(policy.quantization(), shape, 203) > limit));
          continue;
        }
        for (Index keep = budget.keep + 1; keep <= std::min<Index>(203, budget.keep + 70); keep += 35)
          CHECK(tally.count(pressed(policy, Allowance::of_tokens(keep)).bytes() > limit));
      } catch (const NotApplicable&) {
        ++tally.not_applicable;
      }
    }
  }
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST_CASE("after a context of 8000 tokens, the process occupies the memory that the cache reports") {
  Threads threads(1);  // each thread has its own heap
  const TempDir dir;
  dir.write("config.json", kvx_test::config_with("4096", "16384"));
  dir.write("model.safetensors", MappedFile(kvx_test::kTinyRandom + "/model.safetensors").text());
  const Decoder model = Decoder::load(dir.path(), WeightFormat::f32, threads);
  const auto tokens = kvx_test::random_tokens(8000, 1, model.config().vocab_size);
  constexpr std::size_t kHeap = std::size_t{1} << 20;  // for pages with other contents
  kvx_test::Tally tally{"resident memory"};
  bool warm = false;  // the first press makes the process allocate memory that it keeps
  for (const std::string text :
       {"none", "none", "knorm", "int4", "decoding(knorm)", "decoding(knorm)+int4", "ada(knorm)+int4", "knorm+int8"}) {
    CAPTURE(text);
    const std::size_t before = resident_bytes();
    auto sequence =
        compress(model, tokens, kvx_presses().parse(text), Allowance::of_ratio(0.5), Dtype::bf16, threads).start;
    for (const bool after_steps : {false, true}) {
      Workspace work;
      for (int step = 0; after_steps && step < 40; ++step) {
        const Token token = 5;
        const Step next{&sequence, {&token, 1}};
        forward_hidden(model, {&next, 1}, work, threads);
      }
      work = {};
      const std::size_t after = resident_bytes(), held = after - std::min(after, before);
      CAPTURE(held);
      CAPTURE(sequence.bytes());
      if (!warm) continue;
      CHECK(tally.count(held <= sequence.bytes() + kHeap));
      CHECK(tally.count(held + kHeap >= sequence.bytes()));
    }
    warm = true;
  }
}
#endif

}  // namespace
