#pragma once

#include <kvx/io/text_file.hpp>
#include <kvx/score/leakage/leakage_data.hpp>
#include <kvx/score/leakage/leakage_options.hpp>
#include <kvx/score/leakage/leakage_samples.hpp>
#include <kvx/score/row_form.hpp>
#include <kvx/score/sample.hpp>
#include <kvx/score/sample_file.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace kvx::inline v0 {

/// Whether `text`, the contents of the file `path`, has system prompts instead of samples.
inline bool is_system_prompts(const std::string& path, std::string_view text) {
  text = without_byte_order_mark(text);
  text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
  if (!text.starts_with('{')) return false;
  return JsonlRow(text.substr(0, text.find('\n')), path + ": first line").find("context") == nullptr;
}

/// The samples of a file of system prompts: each chosen attack on each system prompt with each chosen defense. Throws
/// Error for a file of another form and for a choice that does not exist.
inline SampleFile leakage_file(const std::string& path, std::string_view text, const LeakageOptions& options,
                               const SampleFileOptions& file_options) {
  const LeakageChoice choice{options.defenses,       options.attack_categories, options.prompts_per_category,
                             options.system_prompts, options.prepend,           file_options.skip};
  const LeakageData data = chosen(
      {read_system_prompts(path, text), load_defenses(options.defenses_file), load_attacks(options.attacks_file)},
      choice);
  SampleFile file{leakage_samples(data, choice), {}, options.prepend};
  for (const auto& prompt : data.system_prompts)
    if (detail::is_among(choice.skip_ids, prompt.key)) file.skipped.push_back(prompt.key);
  for (const auto& defense : data.defenses) file.answers.append(1, '\0').append(defense.text);
  for (const auto& attack : data.attacks) file.answers.append(1, '\0').append(attack.category + ":" + attack.text);
  for (std::size_t s = 0; s < file.samples.size(); ++s) file.places.push_back(path + ": sample " + std::to_string(s));
  return file;
}

}  // namespace kvx::inline v0
