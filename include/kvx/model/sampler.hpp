#pragma once

#include <kvx/core/error.hpp>
#include <kvx/core/finite.hpp>
#include <kvx/core/split_mix.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/core/token.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

namespace kvx::inline v0 {

struct SamplerOptions {
  double temperature = 0;  ///< 0 always takes the most likely token
  int top_k = 0;           ///< only the k most likely tokens are candidates; 0 means all
  double top_p = 1;        ///< only the fewest tokens whose probabilities sum to at least this are candidates
  std::uint64_t seed = 0;
};

/// Chooses the next token. The same seed and logits give the same tokens. If logits are equal, the lower id is chosen.
/// A logit of -infinity excludes a token.
class Sampler {
 public:
  /// Throws Error for options out of range.
  explicit Sampler(const SamplerOptions& options) : options_(options), random_(options.seed) {
    if (!(options.temperature >= 0 && std::isfinite(options.temperature)))
      throw Error("temperature", "expected 0 or more, found " + std::to_string(options.temperature));
    if (options.top_k < 0) throw Error("top-k", "expected 0 or more, found " + std::to_string(options.top_k));
    if (!(options.top_p > 0 && options.top_p <= 1))
      throw Error("top-p", "expected 0 < top-p <= 1, found " + std::to_string(options.top_p));
  }

  /// Throws Error for NaN, for +infinity, and if every token is excluded.
  Token operator()(std::span<const float> logits) {
    const Token best = most_likely(logits);
    if (options_.temperature == 0) return best;
    const auto highest = static_cast<double>(logits[static_cast<std::size_t>(best)]);
    std::vector<Candidate> candidates(logits.size());
    for (std::size_t id = 0; id < logits.size(); ++id)
      candidates[id] = {static_cast<Token>(id),
                        std::exp((static_cast<double>(logits[id]) - highest) / options_.temperature)};
    const auto likelier = [](const Candidate& a, const Candidate& b) {
      return a.weight != b.weight ? a.weight > b.weight : a.id < b.id;
    };
    if (options_.top_k > 0 && static_cast<std::size_t>(options_.top_k) < candidates.size()) {
      std::nth_element(candidates.begin(), candidates.begin() + options_.top_k, candidates.end(), likelier);
      candidates.resize(static_cast<std::size_t>(options_.top_k));
      std::sort(candidates.begin(), candidates.end(), likelier);
    }
    double sum = 0;
    for (const Candidate& candidate : candidates) sum += candidate.weight;
    if (options_.top_p < 1) {
      // Tokens below this weight sum to less than top-p leaves out. Without them, few tokens have to be sorted.
      const double least = (1 - options_.top_p) * sum / static_cast<double>(candidates.size());
      std::erase_if(candidates, [&](const Candidate& candidate) { return candidate.weight < least; });
      std::sort(candidates.begin(), candidates.end(), likelier);
    }
    double cumulative = 0;
    for (Candidate& candidate : candidates) candidate.weight = cumulative += candidate.weight;
    const auto first_reaching = [&](double target) {
      const auto found = std::find_if(candidates.begin(), candidates.end(),
                                      [&](const Candidate& candidate) { return candidate.weight >= target; });
      return std::min(found, candidates.end() - 1);
    };
    const double kept = options_.top_p < 1 ? first_reaching(options_.top_p * sum)->weight : cumulative;
    return first_reaching(std::max(random_.uniform() * kept, std::numeric_limits<double>::min()))->id;
  }

 private:
  struct Candidate {
    Token id;
    double weight;  // relative to the most likely token; later the sum up to this candidate
  };

  static Token most_likely(std::span<const float> logits) {
    std::size_t best = 0;
    for (std::size_t id = 1; id < logits.size(); ++id)
      if (logits[id] > logits[best]) best = id;
    const auto size = static_cast<Index>(logits.size());
    if (first_not_finite(logits.data(), size) < size) check(logits, best);
    return static_cast<Token>(best);
  }

  /// Throws Error for a logit that is not finite; only -infinity is allowed, except for the best token.
  static void check(std::span<const float> logits, std::size_t best) {
    for (std::size_t id = 0; id < logits.size(); ++id)
      if (!std::isfinite(logits[id]) && (logits[id] != -INFINITY || id == best))
        throw Error("logits",
                    "token " + std::to_string(id) + ": expected a finite number, found " + std::to_string(logits[id]));
  }

  SamplerOptions options_;
  SplitMix64 random_;
};

}  // namespace kvx::inline v0
