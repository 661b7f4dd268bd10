#pragma once

#include <kvx/core/error.hpp>
#include <kvx/score/bootstrap.hpp>
#include <kvx/score/mcnemar.hpp>
#include <kvx/score/ppl.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace kvx::inline v0 {

/// What a silent degradation score says.
enum class Degradation {
  undefined,        ///< the base gets nothing right, so that there is nothing to lose
  none,             ///< neither function nor perplexity is worse
  perplexity_only,  ///< perplexity is worse and function is not: the score is 0
  too_few,          ///< function is worse, by no more than chance makes it on so few samples
  silent,           ///< function is worse and perplexity is not: the score is infinite
  measured,         ///< both are worse
};

/// The state as a table has it.
inline std::string_view written(Degradation state) {
  constexpr std::array<std::string_view, 6> kWords = {"undefined",       "no degradation",   "perplexity only",
                                                      "too few samples", "maximally silent", "measured"};
  return kWords[static_cast<std::size_t>(state)];
}

/// How much of the function is lost for how much of the perplexity.
struct SilentDegradation {
  Degradation state = Degradation::undefined;
  BootstrapInterval score;  ///< drop / rise, improvements as 0; its ends may be infinite
  BootstrapInterval drop;   ///< the share of the base's function that is lost; negative: it improves
  BootstrapInterval rise;   ///< of the perplexity, as a share of the base's; negative: it improves
  double p = 1;             ///< that function differs by chance: two-sided, of McNemar's exact test
  double quality = 0;       ///< that perplexity implies: the base's perplexity / the cell's
};

namespace detail {

inline void check_function_values(std::string_view whose, std::span<const double> values) {
  for (std::size_t i = 0; i < values.size(); ++i)
    if (!(values[i] >= 0 && values[i] <= 1))
      throw Error("silent degradation", std::string(whose) + "'s sample " + std::to_string(i) +
                                            ": expected 0 to 1, found " + std::to_string(values[i]));
}

inline std::optional<double> mean_drop(std::span<const double> base, std::span<const double> cell,
                                       std::span<const std::size_t> samples) {
  double before = 0, after = 0;
  for (const std::size_t i : samples) {
    before += base[i];
    after += cell[i];
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

inline Degradation state_of(const SilentDegradation& figures) {
  const bool rises = figures.rise.value > 0;
  if (std::isnan(figures.drop.value)) return Degradation::undefined;
  if (figures.drop.value <= 0) return rises ? Degradation::perplexity_only : Degradation::none;
  if (!(figures.drop.low > 0) || figures.p > 0.05) return Degradation::too_few;
  return rises ? Degradation::measured : Degradation::silent;
}

}  // namespace detail

/// The silent degradation score of a cell: ((f0 - f) / f0) / ((PPL - PPL0) / PPL0), where f0 and f are the means of a
/// metric over the same samples, base[i] and cell[i] being of one, and PPL0 and PPL the perplexities over the same
/// texts. High: perplexity does not tell what is lost. Samples and texts are resampled each for themselves. A drop
/// counts when its interval leaves out 0 and McNemar's exact p is at most 0.05: the interval alone is too sure of few
/// samples, and takes four answers lost and none gained for a drop where the test wants six. Throws Error where there
/// are no samples, not as many of both, or a value outside 0 to 1, and as perplexity_change() does.
inline SilentDegradation silent_degradation(std::span<const double> base, std::span<const double> cell,
                                            std::span<const PairedLoss> texts, const BootstrapOptions& options = {}) {
  if (base.empty() || base.size() != cell.size())
    throw Error("silent degradation", "expected the same samples of base and cell, found " +
                                          std::to_string(base.size()) + " and " + std::to_string(cell.size()));
  detail::check_function_values("base", base);
  detail::check_function_values("cell", cell);
  const auto drop = [&](Resample drawn) { return detail::mean_drop(base, cell, drawn.front()); };
  const auto rise = [&](Resample drawn) { return std::optional(detail::perplexity_rise(texts, drawn.back())); };
  const auto score = [&](Resample drawn) {
    std::optional<double> lost = drop(drawn);
    if (lost) lost = *lost <= 0 ? 0 : *lost / std::max(0.0, *rise(drawn));  // infinite where perplexity does not rise
    return lost;
  };
  SilentDegradation result;
  result.quality = perplexity_change(texts).quality();
  const std::array<std::size_t, 2> sizes = {base.size(), texts.size()};
  result.score = bootstrap(sizes, score, options);
  result.drop = bootstrap(std::span(sizes).first(1), drop, options);
  result.rise = bootstrap(std::span(sizes).last(1), rise, options);
  result.p = mcnemar(base, cell);
  result.state = detail::state_of(result);
  return result;
}

}  // namespace kvx::inline v0
