#pragma once

#include <kvx/core/error.hpp>
#include <kvx/core/random.hpp>
#include <kvx/core/token.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <string>
#include <vector>

namespace kvx::inline v0 {

struct SamplerOptions {
  double temperature = 0;  ///< 0 is greedy
  int top_k = 0;           ///< candidates: the k most likely; 0 takes all
  double top_p = 1;        ///< candidates: the fewest whose probabilities sum to at least this
  std::uint64_t seed = 0;
};

/// Chooses the next token. The same seed and logits give the same tokens; equal logits go to the lower
/// id, and NaN counts as lowest.
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

  Token operator()(std::span<const float> logits) {
    if (options_.temperature == 0) return most_likely(logits);
    std::vector<Token> order(logits.size());
    std::iota(order.begin(), order.end(), 0);
    const auto logit = [&](Token id) {
      const float x = logits[static_cast<std::size_t>(id)];
      return static_cast<double>(std::isnan(x) ? -INFINITY : x);
    };
    const auto likelier = [&](Token a, Token b) { return logit(a) != logit(b) ? logit(a) > logit(b) : a < b; };
    if (options_.top_k > 0 && static_cast<std::size_t>(options_.top_k) < order.size()) {
      std::nth_element(order.begin(), order.begin() + options_.top_k, order.end(), likelier);
      order.resize(static_cast<std::size_t>(options_.top_k));
    }
    std::sort(order.begin(), order.end(), likelier);
    std::vector<double> cumulative;
    double sum = 0;
    for (const Token id : order)
      cumulative.push_back(sum += std::exp((logit(id) - logit(order.front())) / options_.temperature));
    const auto place = [&](double share) {
      return std::min(std::lower_bound(cumulative.begin(), cumulative.end(), share), cumulative.end() - 1);
    };
    const double kept = *place(options_.top_p * sum);
    return order[static_cast<std::size_t>(place(random_.uniform() * kept) - cumulative.begin())];
  }

 private:
  static Token most_likely(std::span<const float> logits) {
    std::size_t best = 0;
    while (best + 1 < logits.size() && std::isnan(logits[best])) ++best;
    for (std::size_t id = best + 1; id < logits.size(); ++id)
      if (logits[id] > logits[best]) best = id;
    return std::isnan(logits[best]) ? 0 : static_cast<Token>(best);
  }

  SamplerOptions options_;
  SplitMix64 random_;
};

}  // namespace kvx::inline v0
