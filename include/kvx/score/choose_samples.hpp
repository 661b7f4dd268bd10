#pragma once

#include <algorithm>
#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// How many of a file's samples are used; 0 means all.
struct SampleChoice {
  std::size_t contexts = 0;  ///< the number of contexts, from the first on
  std::size_t samples = 0;   ///< the number of samples, spread over these contexts
};

/// The indices of the samples that are used, ascending. `contexts` names the context of each sample. Spreading samples
/// over contexts takes the first sample of each context, then the second of each, and so on.
inline std::vector<std::size_t> choose_samples(std::span<const std::string> contexts, const SampleChoice& choice) {
  std::map<std::string, std::pair<std::size_t, std::size_t>> seen;      // the context's index, and its samples so far
  std::vector<std::pair<std::size_t, std::size_t>> rounds_and_indices;  // for the samples of the used contexts
  for (std::size_t i = 0; i < contexts.size(); ++i) {
    auto& [context, samples] = seen.try_emplace(contexts[i], seen.size(), 0).first->second;
    if (choice.contexts == 0 || context < choice.contexts) rounds_and_indices.emplace_back(samples++, i);
  }
  std::stable_sort(rounds_and_indices.begin(), rounds_and_indices.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  if (choice.samples > 0 && rounds_and_indices.size() > choice.samples) rounds_and_indices.resize(choice.samples);
  std::vector<std::size_t> chosen;
  for (const auto& [round, index] : rounds_and_indices) chosen.push_back(index);
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}

}  // namespace kvx::inline v0
