#pragma once

#include <kvx/core/error.hpp>
#include <kvx/io/json/json_tree.hpp>
#include <kvx/io/json/jsonl.hpp>
#include <kvx/score/row_form.hpp>
#include <kvx/score/sample.hpp>
#include <kvx/score/tool_call/tool_samples.hpp>

#include <string>

namespace kvx::inline v0 {

/// Whether a row has the columns of xlam-function-calling-60k.
inline bool is_xlam_row(const JsonlRow& row) { return row.has_all({"query", "answers", "tools"}); }

/// The sample of a row of Salesforce's xlam-function-calling-60k (CC BY 4.0). `answers` and `tools` are arrays, or
/// strings with their JSON. If there are no answers, no tool serves the request. Throws Error for a row of another
/// form.
inline Sample xlam_sample(const JsonlRow& row) {
  const auto where_of = [&](const char* column) { return row.where() + ": column " + column; };
  const std::string tools = detail::json_column(row, "tools"), answers = detail::json_column(row, "answers");
  const JsonTree calls = detail::json_in(answers, where_of("answers"));
  if (calls.array() == nullptr)
    throw Error(where_of("answers"), "expected an array of calls, found " + std::string(calls.type()));
  return detail::tool_sample(
      where_of("tools"), tools, row.string("query"),
      detail::called_answer(detail::json_in(tools, where_of("tools")), *calls.array(), row.where()), "xlam",
      calls.array()->size());
}

/// The form of the rows of xlam-function-calling-60k.
inline constexpr RowForm kXlamForm = {"xLAM", is_xlam_row, [](RowFile&) -> RowReader { return xlam_sample; }};

}  // namespace kvx::inline v0
