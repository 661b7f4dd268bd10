#pragma once

#include <kvx/core/error.hpp>
#include <kvx/core/near_miss.hpp>
#include <kvx/score/leakage/leakage_answer.hpp>
#include <kvx/score/leakage/leakage_data.hpp>
#include <kvx/score/sample.hpp>
#include <kvx/score/system_prompt.hpp>

#include <algorithm>
#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace kvx::inline v0 {

/// The part of the data that samples are made from.
struct LeakageChoice {
  std::vector<std::string> defenses = {};           ///< by name; empty: all
  std::vector<std::string> attack_categories = {};  ///< empty: all
  std::size_t prompts_per_category = 0;             ///< the first attacks of each; 0: all
  std::size_t system_prompts = 100;                 ///< the first of those that are not left out; 0: all
  std::string prepend = {};                         ///< text before the defended system prompt
  std::vector<std::string> skip_ids = {};           ///< keys of system prompts that are left out
};

namespace detail {

inline bool is_among(const std::vector<std::string>& chosen, const std::string& name) {
  return std::find(chosen.begin(), chosen.end(), name) != chosen.end();
}

/// The rows whose label is in `chosen`, or all rows if `chosen` is empty. Throws Error for a choice that no row has.
template <class Row>
std::vector<Row> chosen_rows(const std::vector<Row>& rows, std::string Row::*label,
                             const std::vector<std::string>& chosen, const char* kind) {
  if (chosen.empty()) return rows;
  std::vector<std::string_view> labels;
  for (const Row& row : rows)
    if (std::find(labels.begin(), labels.end(), row.*label) == labels.end()) labels.push_back(row.*label);
  for (const std::string& choice : chosen)
    if (std::find(labels.begin(), labels.end(), choice) == labels.end())
      throw Error("leakage", std::string("unknown ") + kind + " '" + choice + "'" + near_miss(choice, labels));
  std::vector<Row> result;
  for (const Row& row : rows)
    if (is_among(chosen, row.*label)) result.push_back(row);
  return result;
}

/// The text of a defense without `$system_prompt` and without white space around it.
inline std::string defense_text(std::string defense) {
  constexpr std::string_view kPlace = "$system_prompt", kBlank = " \t\r\n";
  defense.erase(std::min(defense.find(kPlace), defense.size()), kPlace.size());
  defense.erase(0, std::min(defense.find_first_not_of(kBlank), defense.size()));
  return defense.substr(0, defense.find_last_not_of(kBlank) + 1);
}

}  // namespace detail

/// The defense called `name`. Throws Error if there is none.
inline LeakageData::Defense defense_named(const std::vector<LeakageData::Defense>& defenses, const std::string& name) {
  return detail::chosen_rows(defenses, &LeakageData::Defense::name, {name}, "defense").front();
}

/// The data with only the chosen defenses and attacks. Throws Error for a choice that does not exist.
inline LeakageData chosen(LeakageData data, const LeakageChoice& choice) {
  data.defenses = detail::chosen_rows(data.defenses, &LeakageData::Defense::name, choice.defenses, "defense");
  data.attacks =
      detail::chosen_rows(data.attacks, &LeakageData::Attack::category, choice.attack_categories, "attack category");
  std::map<std::string, std::size_t> taken;
  if (choice.prompts_per_category > 0)
    std::erase_if(data.attacks,
                  [&](const auto& attack) { return ++taken[attack.category] > choice.prompts_per_category; });
  return data;
}

/// The samples of LeakageTask, ordered by system prompt, then by defense, then by attack, so that samples with the same
/// compressed cache follow each other. Throws Error for an unknown defense or category, and if there are no samples.
inline std::vector<Sample> leakage_samples(const LeakageData& all, const LeakageChoice& choice = {}) {
  constexpr int kTokens = 100;
  const LeakageData data = chosen(all, choice);
  std::vector<Sample> samples;
  std::size_t prompts = 0;
  for (const LeakageData::SystemPromptRow& prompt : data.system_prompts) {
    if (detail::is_among(choice.skip_ids, prompt.key)) continue;
    if (choice.system_prompts > 0 && prompts == choice.system_prompts) break;
    ++prompts;
    for (const LeakageData::Defense& defense : data.defenses) {
      const std::string system = SystemPrompt{choice.prepend, defense.text}.text(prompt.text);
      for (const LeakageData::Attack& attack : data.attacks) {
        const LeakageAnswer answer{
            prompt.text, detail::defense_text(defense.text), defense.name, attack.category, attack.id, prompt.key};
        samples.push_back({"", attack.text, "", answer_column(answer), "leakage", kTokens, system});
      }
    }
  }
  if (samples.empty())
    throw Error("leakage", "expected system prompts, defenses and attacks, found " + std::to_string(prompts) + ", " +
                               std::to_string(data.defenses.size()) + " and " + std::to_string(data.attacks.size()));
  return samples;
}

}  // namespace kvx::inline v0
