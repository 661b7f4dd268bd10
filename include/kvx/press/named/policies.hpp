#pragma once

#include <kvx/press/ada.hpp>
#include <kvx/press/any_policy.hpp>
#include <kvx/press/block.hpp>
#include <kvx/press/canary_snapkv.hpp>
#include <kvx/press/canary_streaming_llm.hpp>
#include <kvx/press/cap.hpp>
#include <kvx/press/chunk.hpp>
#include <kvx/press/chunkkv.hpp>
#include <kvx/press/compactor.hpp>
#include <kvx/press/composed.hpp>
#include <kvx/press/critical.hpp>
#include <kvx/press/critical_ada.hpp>
#include <kvx/press/cur.hpp>
#include <kvx/press/decoding.hpp>
#include <kvx/press/dms.hpp>
#include <kvx/press/duo_attention.hpp>
#include <kvx/press/entropy_chunkkv.hpp>
#include <kvx/press/expected_attention.hpp>
#include <kvx/press/fair.hpp>
#include <kvx/press/finch.hpp>
#include <kvx/press/keydiff.hpp>
#include <kvx/press/knorm.hpp>
#include <kvx/press/kvzip.hpp>
#include <kvx/press/lagkv.hpp>
#include <kvx/press/leverage.hpp>
#include <kvx/press/merging.hpp>
#include <kvx/press/named/registry.hpp>
#include <kvx/press/non_causal.hpp>
#include <kvx/press/none.hpp>
#include <kvx/press/observed_attention.hpp>
#include <kvx/press/per_layer.hpp>
#include <kvx/press/prefill_decoding.hpp>
#include <kvx/press/protect.hpp>
#include <kvx/press/pyramidkv.hpp>
#include <kvx/press/qfilter.hpp>
#include <kvx/press/quantized.hpp>
#include <kvx/press/random.hpp>
#include <kvx/press/rerotate.hpp>
#include <kvx/press/simlayerkv.hpp>
#include <kvx/press/snapkv.hpp>
#include <kvx/press/streaming_llm.hpp>
#include <kvx/press/think.hpp>
#include <kvx/press/tova.hpp>

#include <tuple>
#include <type_traits>

namespace kvx::inline v0 {

/// All policies of kvx. The registry is made from this list, and with it the help text of the programs and the tests
/// that run every press.
struct Policies {
  using List = std::tuple<None, Random, Knorm, StreamingLLM, SnapKV, ExpectedAttention, Tova, ObservedAttention, LagKV,
                          KeyDiff, CUR, CAP, LeverageScore, NonCausalAttention, Compactor, QFilter, Finch, KVzip,
                          PyramidKV, SimLayerKV, DuoAttention, ThinK, CanaryStreamingLLM, CanarySnapKV, Ada<AnyPolicy>,
                          Critical<AnyPolicy>, CriticalAda<AnyPolicy>, Chunk<AnyPolicy>, ChunkKV<AnyPolicy>,
                          EntropyChunkKV<AnyPolicy>, Block<AnyPolicy>, Dms<AnyPolicy>, Rerotate<AnyPolicy>,
                          Merging<AnyPolicy>, Fair<AnyPolicy>, Protect<AnyPolicy>, PerLayer<AnyPolicy>, Composed,
                          Decoding, PrefillDecoding, Quantized<8>, Quantized<4>, Quantized<2>>;
};

template <class PolicyList>
Registry kvx_presses() {
  Registry registry;
  [&]<class... P>(std::type_identity<std::tuple<P...>>) {
    (registry.add<P>(), ...);
  }(std::type_identity<typename PolicyList::List>());
  return registry;
}

}  // namespace kvx::inline v0
