// A program whose operator new counts allocations: checks that a step of decoding allocates nothing after the first
// step.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>
#include <kvx/model/compress.hpp>
#include <kvx/model/forward.hpp>
#include <kvx/press/none.hpp>

#include <atomic>
#include <cstdlib>
#include <new>
#include <vector>

namespace {

std::atomic<int> allocations = 0;

void* allocate(std::size_t size, std::size_t alignment) {
  ++allocations;
  if (void* const memory = std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void release(void* memory) noexcept { std::free(memory); }

}  // namespace

void* operator new(std::size_t size) { return allocate(size, alignof(std::max_align_t)); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return allocate(size, static_cast<std::size_t>(alignment));
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return allocate(size, alignof(std::max_align_t));
}
void* operator new[](std::size_t size) { return operator new(size); }
void* operator new[](std::size_t size, const std::nothrow_t& nothrow) noexcept { return operator new(size, nothrow); }
void operator delete[](void* memory) noexcept { release(memory); }
void operator delete[](void* memory, std::size_t) noexcept { release(memory); }
void operator delete(void* memory) noexcept { release(memory); }
void operator delete(void* memory, std::size_t) noexcept { release(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { release(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { release(memory); }

namespace {

using namespace kvx;

TEST_CASE("a step of decoding allocates nothing, with weights of any format") {
  constexpr Index kSteps = 8, kSequences = 5;
  Threads threads(1);  // with several, one could begin to work, and allocate, in a later step
  for (const WeightFormat format : {WeightFormat::f32, WeightFormat::bf16, WeightFormat::int8}) {
    const auto model = Decoder::load(KVX_SOURCE_DIR "/tests/data/golden/tiny-random", format, threads);
    const std::vector<Token> context(100, 7), answers(kSequences, 3);
    const auto compressed = compress(model, context, AnyPolicy(None()), Allowance::of_ratio(0), Dtype::bf16, threads);
    std::vector<SequenceCache> sequences(kSequences, compressed.start);
    std::vector<Step> steps;
    for (SequenceCache& sequence : sequences) {
      for (Index l = 0; l < model.config().layers; ++l)
        for (HeadCache& head : sequence.tail.layer(l)) head.reserve(kSteps + 40);
      steps.push_back({&sequence, {&answers[steps.size()], 1}});
    }
    Workspace work;
    steps[0].tokens = std::span(context).first(40);  // more rows than later steps have
    (void)forward(model, steps, work, threads);
    steps[0].tokens = {&answers[0], 1};
    const int before = allocations;
    for (Index s = 0; s < kSteps - 1; ++s) (void)forward(model, steps, work, threads);
    CHECK(allocations == before);
  }
}

}  // namespace
