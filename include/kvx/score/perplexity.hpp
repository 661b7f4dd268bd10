#pragma once

#include <kvx/core/error.hpp>
#include <kvx/score/metric.hpp>
#include <kvx/score/ppl.hpp>
#include <kvx/score/sample.hpp>
#include <kvx/score/statistics/better.hpp>
#include <kvx/score/statistics/estimate.hpp>
#include <kvx/score/statistics/quantile.hpp>
#include <kvx/score/task.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kvx::inline v0 {

/// How well does the model still predict a text whose start is compressed? A sample is a piece of a text. The model
/// does not write an answer; it is fed the rest of the piece. Besides the loss, metrics say how far the predictions are
/// from the base's, as in llama.cpp's perplexity tool: the mean of KL(base || cell) over the tokens, its median, its
/// 95th and 99th percentile, and the share of tokens for which both find the same token most likely.
struct PerplexityTask {
  static constexpr std::string_view name = "perplexity";
  static constexpr std::string_view example_data = "story.txt";

  static std::span<const Metric> metrics() {
    static constexpr std::array<Metric, 7> kMetrics = {
        {{.name = "loss", .better = Better::less, .role = Role::loss, .unit = "nats"},
         {.name = "kl", .better = Better::less, .unit = "nats"},
         {.name = "kl_50", .better = Better::less, .unit = "nats"},
         {.name = "kl_95", .better = Better::less, .unit = "nats"},
         {.name = "kl_99", .better = Better::less, .unit = "nats"},
         {.name = "same_top"},
         {.name = "tokens", .better = Better::neither, .role = Role::tokens, .unit = "tokens"}}};
    return kMetrics;
  }
  static std::span<const Metric> summary_metrics() {
    static constexpr std::array<Metric, 1> kMetrics = {
        {{.name = "perplexity", .better = Better::less, .role = Role::perplexity, .unit = ""}}};
    return kMetrics;
  }
  static std::span<const State> states() {
    static constexpr std::array<State, 1> kStates = {{{"predicted"}}};
    return kStates;
  }

  /// The grade of a text from the negative log-likelihoods of its tokens in nats, their divergences, and the number of
  /// tokens for which the most likely token is the base's. Throws Error for numbers that are not finite.
  static Grade predicted(std::span<const double> nll, std::vector<double> kl, std::size_t same_top) {
    expect_finite("negative log-likelihood", nll);
    expect_finite("divergence", kl);
    const auto tokens = static_cast<double>(nll.size());
    double loss = 0, divergence = 0;
    for (const double token : nll) loss += token;
    for (const double token : kl) divergence += token;
    std::sort(kl.begin(), kl.end());
    return {"predicted",
            {loss / tokens, divergence / tokens, quantile(kl, 0.5), quantile(kl, 0.95), quantile(kl, 0.99),
             static_cast<double>(same_top) / tokens, tokens}};
  }

  Grade grade(const Sample&, std::string_view) const {
    throw Error("task perplexity", "a text is predicted, there are no answers to grade");
  }

  /// The summaries over the tokens of all texts. Contexts are the units of intervals; each piece of a text is one.
  /// Throws Error for a text without a loss.
  std::vector<Estimate> summaries(std::span<const Grade> texts) const {
    std::map<std::string, PairedLoss> losses;
    for (std::size_t i = 0; i < texts.size(); ++i) {
      const auto loss = texts[i].metrics.front(), tokens = texts[i].metrics.back();
      if (!loss || !tokens) throw Error("task perplexity", "text " + std::to_string(i) + ": missing its loss");
      PairedLoss& context = losses[context_of(texts[i], i)];
      context.cell_nll += *loss * *tokens;
      context.tokens += static_cast<std::size_t>(*tokens);
    }
    if (losses.empty()) return {{.name = "perplexity"}};
    std::vector<PairedLoss> contexts;
    for (const auto& [context, loss] : losses) contexts.push_back(loss);
    const Estimate log = perplexity_change(contexts).log_ratio;
    return {{"perplexity", std::exp(log.value), texts.size(), contexts.size(), std::exp(log.low), std::exp(log.high)}};
  }

 private:
  static void expect_finite(std::string_view what, std::span<const double> values) {
    for (std::size_t i = 0; i < values.size(); ++i)
      if (!std::isfinite(values[i]))
        throw Error("task perplexity", std::string(what) + " of token " + std::to_string(i) +
                                           ": expected a finite number, found " + std::to_string(values[i]));
  }
};

}  // namespace kvx::inline v0
