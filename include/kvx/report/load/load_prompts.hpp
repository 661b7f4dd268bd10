#pragma once

#include <kvx/core/error.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/eval/kept/kept_tokens.hpp>
#include <kvx/eval/records/cell_name.hpp>
#include <kvx/io/json/json.hpp>

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

namespace kvx::inline v0::detail {

/// Reads a whole number. Throws Error unless it is from `least` to `most`.
inline Index whole(const JsonValue& value, Index least, Index most) {
  const Index number = value.integer();
  if (number < least || number > most)
    value.fail("a number from " + std::to_string(least) + " to " + std::to_string(most));
  return number;
}

inline KeptText prompt_of(const JsonValue& json) {
  constexpr Index kMost = 1 << 30;
  KeptText prompt;
  prompt.model = json.at("model").string();
  prompt.task = json.at("task").string();
  if (const auto query_aware = json.find("query_aware")) prompt.query_aware = query_aware->boolean();
  prompt.index = whole(json.at("index"), 0, kMost);
  prompt.heads = whole(json.at("heads"), 1, kMost);
  json.at("tokens").each_element([&](const JsonValue& token) { prompt.tokens.emplace_back(token.string()); });
  const Index tokens = std::ssize(prompt.tokens);
  json.at("spans").each_element([&](const JsonValue& span) {
    const Index first = whole(span.at("first"), 0, tokens);
    prompt.spans.push_back({std::string(span.at("name").string()), {first, whole(span.at("last"), first, tokens)}});
  });
  json.at("cells").each_element([&](const JsonValue& json_cell) {
    KeptText::Cell cell{{std::string(json_cell.at("press").string()), json_cell.at("compression_ratio").number(),
                         std::string(json_cell.at("budget").string()), json_cell.at("query_aware").boolean()},
                        {}};
    const JsonValue kept_by = json_cell.at("kept_by");
    kept_by.each_element([&](const JsonValue& heads) { cell.heads.push_back(whole(heads, 0, prompt.heads)); });
    if (std::ssize(cell.heads) != tokens)
      throw Error(kept_by.where(), "expected a number for each of " + std::to_string(tokens) + " tokens, found " +
                                       std::to_string(cell.heads.size()));
    prompt.cells.push_back(std::move(cell));
  });
  return prompt;
}

/// Adds the prompts of a kept_text.json. A prompt that was loaded already gets only the cells that it lacks.
inline void load_prompts(std::vector<KeptText>& prompts, const JsonValue& json) {
  json.each_element([&](const JsonValue& json_prompt) {
    KeptText prompt = prompt_of(json_prompt);
    const auto found = std::ranges::find_if(prompts, [&](const KeptText& loaded) {
      return loaded.model == prompt.model && loaded.task == prompt.task && loaded.query_aware == prompt.query_aware &&
             loaded.tokens == prompt.tokens && loaded.spans == prompt.spans && loaded.heads == prompt.heads;
    });
    if (found == prompts.end()) {
      prompts.push_back(std::move(prompt));
      return;
    }
    for (KeptText::Cell& cell : prompt.cells)
      if (std::ranges::find(found->cells, cell.name, &KeptText::Cell::name) == found->cells.end())
        found->cells.push_back(std::move(cell));
  });
}

}  // namespace kvx::inline v0::detail
