#pragma once

#include <kvx/core/error.hpp>
#include <kvx/io/json/json.hpp>
#include <kvx/io/json/json_tree.hpp>
#include <kvx/io/text_file.hpp>
#include <kvx/score/leakage/leakage_answer.hpp>
#include <kvx/score/sample.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace kvx::inline v0 {

/// The data of the prompt leakage task: each attack is tried on each system prompt with each defense.
struct LeakageData {
  struct SystemPromptRow {
    std::string key, text;
  };
  struct Defense {
    std::string name, text;  ///< the text has `$system_prompt` once, where the system prompt goes
  };
  struct Attack {
    std::string kind, category, id, text;  ///< kind and id may be empty
  };
  std::vector<SystemPromptRow> system_prompts;
  std::vector<Defense> defenses;
  std::vector<Attack> attacks;
};

namespace detail {

/// The text of a column that identifies rows; empty if the row does not have it.
inline std::string row_label(const JsonlRow& row, const std::string& column) {
  const JsonTree* value = row.find(column);
  if (value == nullptr) return "";
  return value->number() != nullptr ? std::string(value->number()->digits()) : row.string(column);
}

/// The content of the first message from the system; nullptr if there is none.
inline const std::string* system_message(const JsonlRow& row) {
  const JsonTree* messages = row.find("messages");
  if (messages == nullptr || messages->array() == nullptr) return nullptr;
  for (const JsonTree& message : *messages->array()) {
    const JsonTree *role = message.find("role"), *content = message.find("content");
    if (role != nullptr && *role == JsonTree("system")) return content == nullptr ? nullptr : content->string();
  }
  return nullptr;
}

inline std::size_t occurrences(std::string_view text, std::string_view part) {
  std::size_t count = 0;
  for (std::size_t pos = text.find(part); pos != text.npos; pos = text.find(part, pos + part.size())) ++count;
  return count;
}

}  // namespace detail

/// Reads `text`, the contents of the JSONL file `path`, with the columns system_prompt and, optionally, key; or with
/// `messages` of which one is from the system, as in SystemCheck's IFEval. The key of a row without one is its number.
inline std::vector<LeakageData::SystemPromptRow> read_system_prompts(const std::string& path, std::string_view text) {
  std::vector<LeakageData::SystemPromptRow> rows;
  each_jsonl_row(path, text, [&](const JsonlRow& row) {
    const std::string* prompt =
        row.find("system_prompt") != nullptr ? &row.string("system_prompt") : detail::system_message(row);
    if (prompt == nullptr)
      throw Error(row.where(), "expected the column system_prompt, or messages with one from the system, found " +
                                   detail::shortened(row.columns(), 100));
    if (!has_words(*prompt))
      throw Error(row.where(), "expected a system prompt with words that ROUGE counts, found '" +
                                   detail::shortened(*prompt, 40) + "'");
    std::string key = detail::row_label(row, "key");
    rows.push_back({key.empty() ? std::to_string(rows.size() + 1) : key, *prompt});
  });
  return rows;
}

/// Reads `text`, the contents of the JSON file `path`: an object of templates by name. In each of them `$system_prompt`
/// or, as in RaccoonBench, `$user_prompt` stands for the system prompt.
inline std::vector<LeakageData::Defense> read_defenses(const std::string& path, std::string_view text) {
  constexpr std::string_view kPlace = "$system_prompt", kOtherPlace = "$user_prompt";
  std::vector<LeakageData::Defense> defenses;
  JsonDocument::parse(text, path).root().each_member([&](std::string_view name, const JsonValue& value) {
    std::string defense(value.string());
    const std::size_t places = detail::occurrences(defense, kPlace) + detail::occurrences(defense, kOtherPlace);
    if (places != 1)
      throw Error(value.where(), "expected $system_prompt or $user_prompt once, found " +
                                     (places == 0 ? "none" : std::to_string(places) + " of them"));
    if (const std::size_t pos = defense.find(kOtherPlace); pos != defense.npos)
      defense.replace(pos, kOtherPlace.size(), kPlace);
    defenses.push_back({std::string(name), std::move(defense)});
  });
  return defenses;
}

/// The same for a file, which the option `defenses-file` names.
inline std::vector<LeakageData::Defense> load_defenses(const std::string& path) {
  if (path.empty()) throw Error("defenses-file", "expected a file of defense templates, found none");
  return read_defenses(path, read_text_file(path));
}

/// Reads `text`, the contents of the JSONL file `path`, with the columns category and text and, optionally, kind and
/// id. An attack that occurs twice, such as those that RaccoonBench has in two kinds, is taken once.
inline std::vector<LeakageData::Attack> read_attacks(const std::string& path, std::string_view text) {
  std::vector<LeakageData::Attack> attacks;
  each_jsonl_row(path, text, [&](const JsonlRow& row) {
    const LeakageData::Attack attack{detail::row_label(row, "kind"), row.string("category"),
                                     detail::row_label(row, "id"), row.string("text")};
    if (std::none_of(attacks.begin(), attacks.end(), [&](const LeakageData::Attack& other) {
          return other.category == attack.category && other.text == attack.text;
        }))
      attacks.push_back(attack);
  });
  return attacks;
}

/// The same for a file, which the option `attacks-file` names.
inline std::vector<LeakageData::Attack> load_attacks(const std::string& path) {
  if (path.empty()) throw Error("attacks-file", "expected a file of attacks, found none");
  return read_attacks(path, read_text_file(path));
}

/// Reads the three files, plain or gzip. Throws Error, naming file and line or field, for a file of another form.
inline LeakageData load_leakage_data(const std::string& system_prompts, const std::string& defenses,
                                     const std::string& attacks) {
  return {read_system_prompts(system_prompts, read_text_file(system_prompts)), load_defenses(defenses),
          load_attacks(attacks)};
}

}  // namespace kvx::inline v0
