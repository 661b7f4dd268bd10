#pragma once

#include <kvx/press/expected_attention.hpp>
#include <kvx/press/knorm.hpp>
#include <kvx/press/none.hpp>
#include <kvx/press/observed_attention.hpp>
#include <kvx/press/random.hpp>
#include <kvx/press/snapkv.hpp>
#include <kvx/press/streaming_llm.hpp>
#include <kvx/press/tova.hpp>

#include <tuple>

namespace kvx::inline v0 {

/// Every policy of kvx; the registry, the drivers, the help text and the tests walk this list.
using Policies = std::tuple<None, Random, Knorm, StreamingLLM, SnapKV, ExpectedAttention, Tova, ObservedAttention>;

}  // namespace kvx::inline v0
