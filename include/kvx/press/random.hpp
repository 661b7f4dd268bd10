#pragma once

#include <kvx/core/split_mix.hpp>
#include <kvx/press/policy.hpp>

#include <cstdint>
#include <optional>
#include <string_view>
#include <tuple>

namespace kvx::inline v0 {

/// Keeps rows at random, in each head other ones: the scores are uniform random numbers. Any method should do better.
/// With a seed, all layers keep the same rows, as in kvpress. Without one, layers keep different rows, the same in
/// every run.
struct Random {
  static constexpr std::string_view name = "random", paper = "";
  std::optional<std::uint64_t> seed;  ///< of the random numbers of every layer; none: the index of the layer
  static constexpr auto parameters() { return std::tuple(Parameter{"seed", &Random::seed}); }

  Needs needs() const { return {}; }
  void score(const PressInput& in, const Budget&, Scores out) const {
    SplitMix64 random(seed.value_or(static_cast<std::uint64_t>(in.layer)));
    for (Index i = 0; i < in.first_head * out.cols(); ++i) (void)random.next();  // skip the heads before
    for (Index h = 0; h < out.rows(); ++h)
      for (Index j = 0; j < out.cols(); ++j) out(h, j) = static_cast<float>(random.uniform());
  }
};
static_assert(ScorePolicy<Random>);

}  // namespace kvx::inline v0
