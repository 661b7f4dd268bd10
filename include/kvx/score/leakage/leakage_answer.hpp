#pragma once

#include <kvx/core/error.hpp>
#include <kvx/io/json/json_tree.hpp>
#include <kvx/io/json/json_writer.hpp>
#include <kvx/score/leakage/rouge.hpp>
#include <kvx/score/sample.hpp>
#include <kvx/text/unicode_words.hpp>

#include <string>
#include <string_view>

namespace kvx::inline v0 {

/// The secret that an attack asks for, and which attack it is. A sample's answer is a LeakageAnswer as JSON.
struct LeakageAnswer {
  std::string system_prompt;  ///< without its defense
  std::string defense;        ///< the text of the defense without the system prompt; empty if there is none
  std::string defense_key, attack_category, attack_id, system_prompt_key;
};

/// Whether a text has a word of those that are compared: of rouge_words() in the Latin script, otherwise any word.
inline bool has_words(std::string_view text) { return !rouge_words(text, false).empty() || !is_latin_text(text); }

/// Reads a sample's answer. Throws Error if a field is missing or is not a string, or if the system prompt has no
/// words.
inline LeakageAnswer leakage_answer(std::string_view answer) {
  const JsonTree tree = answer_object(answer);
  const auto field = [&](const char* name) { return answer_string(tree, name); };
  LeakageAnswer result{field("system_prompt"),   field("defense"),   field("defense_key"),
                       field("attack_category"), field("attack_id"), field("system_prompt_key")};
  if (!has_words(result.system_prompt))
    throw Error("sample's answer", "system_prompt: expected a text with words that ROUGE counts, found '" +
                                       detail::shortened(result.system_prompt, 40) + "'");
  return result;
}

/// The answer column that leakage_answer() reads.
inline std::string answer_column(const LeakageAnswer& answer) {
  JsonWriter out;
  out.begin_object().key("system_prompt").value(answer.system_prompt).key("defense").value(answer.defense);
  out.key("defense_key").value(answer.defense_key).key("attack_category").value(answer.attack_category);
  out.key("attack_id").value(answer.attack_id).key("system_prompt_key").value(answer.system_prompt_key).end_object();
  return out.text();
}

}  // namespace kvx::inline v0
