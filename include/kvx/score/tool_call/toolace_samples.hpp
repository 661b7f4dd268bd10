#pragma once

#include <kvx/core/error.hpp>
#include <kvx/io/json/json_tree.hpp>
#include <kvx/io/json/jsonl.hpp>
#include <kvx/score/row_form.hpp>
#include <kvx/score/sample.hpp>
#include <kvx/score/tool_call/extract_json.hpp>
#include <kvx/score/tool_call/python_calls.hpp>
#include <kvx/score/tool_call/tool_samples.hpp>

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace kvx::inline v0 {

/// Whether a row has the columns of ToolACE.
inline bool is_toolace_row(const JsonlRow& row) { return row.has_all({"system", "conversations"}); }

namespace detail {

/// The text of the first turn of a conversation that is from one of `speakers`.
inline const std::string& first_turn(const JsonlRow& row, std::initializer_list<std::string_view> speakers) {
  const JsonTree& turns = row.at("conversations");
  if (turns.array() == nullptr)
    throw Error(row.where(), "column conversations: expected an array, found " + std::string(turns.type()));
  for (const JsonTree& turn : *turns.array())
    for (const std::string_view speaker : speakers)
      if (const JsonTree *from = turn.find("from"), *value = turn.find("value");
          from != nullptr && value != nullptr && value->string() != nullptr && *from == JsonTree(std::string(speaker)))
        return *value->string();
  throw Error(row.where(),
              "column conversations: expected a turn from " + std::string(*speakers.begin()) + ", found none");
}

}  // namespace detail

/// The sample of the first request in a row of Team-ACE's ToolACE (Apache-2.0). The tools are JSON in the text of
/// `system`, and the first answer in `conversations` is `[NAME(ARGUMENT=VALUE, ...), ...]`, possibly with words around
/// it. If the answer has only words, no tool serves the request. Throws Error for a row of another form.
inline Sample toolace_sample(const JsonlRow& row) {
  std::string tools;
  JsonTree::Array parsed;
  const bool whole = each_json_object(row.string("system"), [&](JsonTree tool, std::string_view text) {
    if (tool.find("name") != nullptr) {
      tools.append(tools.empty() ? "" : ", ").append(text);
      parsed.push_back(std::move(tool));
    }
    return true;
  });
  if (!whole) throw Error(row.where(), "column system: expected tools as JSON, found an object that is broken");
  const std::string& answer = detail::first_turn(row, {"assistant", "gpt"});
  const auto calls = python_calls(answer);
  if (!calls)
    throw Error(row.where(), "column conversations: expected calls with literals as arguments, found " +
                                 detail::shortened(answer, 60));
  return detail::tool_sample(
      row.where() + ": column system", "[" + tools + "]", detail::first_turn(row, {"user", "human"}),
      detail::called_answer(JsonTree(std::move(parsed)), *calls, row.where()), "toolace", calls->size());
}

/// The form of the rows of ToolACE.
inline constexpr RowForm kToolaceForm = {"ToolACE", is_toolace_row,
                                         [](RowFile&) -> RowReader { return toolace_sample; }};

}  // namespace kvx::inline v0
