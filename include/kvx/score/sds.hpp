#pragma once

#include <kvx/core/error.hpp>
#include <kvx/score/ppl.hpp>
#include <kvx/score/statistics/bootstrap.hpp>
#include <kvx/score/statistics/estimate.hpp>
#include <kvx/score/statistics/sign_flips.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kvx::inline v0 {

/// The state of a silent degradation score.
enum class Degradation {
  undefined,        ///< the base gets nothing right, so that there is nothing to lose
  none,             ///< neither function nor perplexity is worse
  perplexity_only,  ///< perplexity is worse and function is not: the score is 0
  too_few,          ///< function is worse, but with so few contexts it could be chance
  silent,           ///< function is worse and perplexity is not: the score is infinite
  measured,         ///< both are worse
};

/// The text of a state in tables.
inline std::string_view written(Degradation state) {
  constexpr std::array<std::string_view, 6> kWords = {"undefined",        "no degradation",   "perplexity only",
                                                      "too few contexts", "maximally silent", "measured"};
  return kWords[static_cast<std::size_t>(state)];
}

/// All states, so that they can be read from a table.
inline std::vector<Degradation> degradation_states() {
  using enum Degradation;
  return {undefined, none, perplexity_only, too_few, silent, measured};
}

/// Sums of a metric with values from 0 to 1 over the samples about one context, for base and cell on the same samples.
struct PairedFunction {
  std::size_t n = 0;  ///< samples
  double base = 0, cell = 0;
};

/// The loss of function compared with the rise of perplexity.
struct SilentDegradation {
  Degradation state = Degradation::undefined;
  Estimate score;      ///< drop / rise, improvements count as 0; its ends may be infinite
  Estimate drop;       ///< the share of the base's function that is lost; negative: it improves; p by sign_flip_p()
  Estimate rise;       ///< of the perplexity, as a share of the base's; negative: it falls; n counts texts
  double quality = 0;  ///< implied by perplexity: the base's perplexity / the cell's
};

namespace detail {

inline void check_function(std::span<const PairedFunction> contexts) {
  if (contexts.empty()) throw Error("silent degradation", "expected at least 1 context, found none");
  for (std::size_t i = 0; i < contexts.size(); ++i)
    for (const double sum : {contexts[i].base, contexts[i].cell})
      if (!(sum >= 0 && sum <= static_cast<double>(contexts[i].n)))
        throw Error("silent degradation", "context " + std::to_string(i) + ": expected a sum from 0 to its " +
                                              std::to_string(contexts[i].n) + " samples, found " + std::to_string(sum));
}

inline std::optional<double> relative_drop(std::span<const PairedFunction> contexts,
                                           std::span<const std::size_t> drawn) {
  double before = 0, after = 0;
  for (const std::size_t i : drawn) {
    before += contexts[i].base;
    after += contexts[i].cell;
  }
  if (before == 0) return std::nullopt;  // there is nothing to lose
  return (before - after) / before;
}

inline double perplexity_rise(std::span<const PairedLoss> texts, std::span<const std::size_t> drawn) {
  double change = 0, tokens = 0;
  for (const std::size_t i : drawn) {
    change += texts[i].cell_nll - texts[i].base_nll;
    tokens += static_cast<double>(texts[i].tokens);
  }
  return std::expm1(change / tokens);
}

/// The share of the resamples that have no drop, because they draw only contexts in which the base gets nothing right.
inline double undefined_share(std::span<const PairedFunction> contexts) {
  const auto n = static_cast<double>(contexts.size());
  const auto nothing = std::ranges::count_if(contexts, [](const PairedFunction& context) { return context.base == 0; });
  return std::pow(static_cast<double>(nothing) / n, n);
}

/// Removes the bounds of an interval over fewer than two contexts, and those from which more than a tail of the
/// resamples is left out.
inline Estimate bounded(Estimate interval, std::size_t contexts, double undefined = 0) {
  if (contexts < 2 || undefined > 0.025) interval.low = interval.high = std::numeric_limits<double>::quiet_NaN();
  return interval;
}

inline Degradation state_of(const SilentDegradation& figures) {
  const bool rises = figures.rise.value > 0;
  if (std::isnan(figures.drop.value)) return Degradation::undefined;
  if (figures.drop.value <= 0) return rises ? Degradation::perplexity_only : Degradation::none;
  if (!(figures.drop.low > 0 && figures.drop.p <= 0.05)) return Degradation::too_few;
  return rises ? Degradation::measured : Degradation::silent;
}

}  // namespace detail

/// The silent degradation score of a cell: ((f0 - f) / f0) / ((PPL - PPL0) / PPL0), where f0 and f are the means of a
/// metric over the same samples, and PPL0 and PPL the perplexities over the same texts. A high score means that
/// perplexity does not show the loss. Contexts and texts are resampled separately. A drop counts if its interval
/// excludes 0 and the p of sign flips is at most 0.05. The interval by itself is too narrow for few contexts: it
/// excludes 0 if four contexts get worse and none gets better, but the test needs six. A resample without a right
/// answer of the base has no drop and no score; there are no intervals if these are more than 2.5 %. Throws Error if
/// there are no contexts, if a context has a sum that its samples cannot have, and as perplexity_change() does.
inline SilentDegradation silent_degradation(std::span<const PairedFunction> contexts, std::span<const PairedLoss> texts,
                                            const BootstrapOptions& options = {}) {
  detail::check_function(contexts);
  const auto drop = [&](Resample drawn) { return detail::relative_drop(contexts, drawn.front()); };
  const auto rise = [&](Resample drawn) { return std::optional(detail::perplexity_rise(texts, drawn.back())); };
  const auto score = [&](Resample drawn) {
    std::optional<double> lost = drop(drawn);
    if (lost) lost = *lost <= 0 ? 0 : *lost / std::max(0.0, *rise(drawn));  // infinite if perplexity does not rise
    return lost;
  };
  SilentDegradation result;
  result.quality = perplexity_change(texts).quality();
  const std::array<std::size_t, 2> sizes = {contexts.size(), texts.size()};
  const double undefined = detail::undefined_share(contexts);
  result.score = detail::bounded(bootstrap(sizes, score, options), std::min(contexts.size(), texts.size()), undefined);
  result.drop = detail::bounded(bootstrap(std::span(sizes).first(1), drop, options), contexts.size(), undefined);
  result.rise = detail::bounded(bootstrap(std::span(sizes).last(1), rise, options), texts.size());
  std::vector<double> changes;
  for (const PairedFunction& context : contexts) {
    changes.push_back(context.cell - context.base);
    result.drop.n += context.n;
  }
  result.drop.contexts = contexts.size();
  result.rise.n = result.rise.contexts = texts.size();
  result.drop.p = sign_flip_p(changes);
  result.state = detail::state_of(result);
  return result;
}

}  // namespace kvx::inline v0
