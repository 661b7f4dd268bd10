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

/// A whole number from `least` to `most`; throws Error for another.
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
  json.at("cells").each_element([&](const JsonValue& of) {
    KeptText::Cell cell{{std::string(of.at("press").string()), of.at("compression_ratio").number(),
                         std::string(of.at("budget").string()), of.at("query_aware").boolean()},
                        {}};
    const JsonValue kept_by = of.at("kept_by");
    kept_by.each_element([&](const JsonValue& heads) { cell.heads.push_back(whole(heads, 0, prompt.heads)); });
    if (std::ssize(cell.heads) != tokens)
      throw Error(kept_by.where(), "expected a number for each of " + std::to_string(tokens) + " tokens, found " +
                                       std::to_string(cell.heads.size()));
    prompt.cells.push_back(std::move(cell));
  });
  return prompt;
}

/// Adds the prompts of a kept_text.json; to one that is there already, the cells that it lacks.
inline void load_prompts(std::vector<KeptText>& to, const JsonValue& json) {
  json.each_element([&](const JsonValue& of) {
    KeptText prompt = prompt_of(of);
    const auto found = std::ranges::find_if(to, [&](const KeptText& there) {
      return there.model == prompt.model && there.task == prompt.task && there.query_aware == prompt.query_aware &&
             there.tokens == prompt.tokens && there.spans == prompt.spans && there.heads == prompt.heads;
    });
    if (found == to.end()) {
      to.push_back(std::move(prompt));
      return;
    }
    for (KeptText::Cell& cell : prompt.cells)
      if (std::ranges::find(found->cells, cell.name, &KeptText::Cell::name) == found->cells.end())
        found->cells.push_back(std::move(cell));
  });
}

}  // namespace kvx::inline v0::detail
