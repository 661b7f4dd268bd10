#pragma once

#include <kvx/core/error.hpp>
#include <kvx/io/json/json_tree.hpp>
#include <kvx/score/sample.hpp>
#include <kvx/score/tool_call/tool_samples.hpp>

#include <string>

namespace kvx::inline v0 {

/// Whether a row has the columns of xlam-function-calling-60k.
inline bool is_xlam_row(const JsonlRow& row) { return row.has_all({"query", "answers", "tools"}); }

/// The request of a row as Salesforce's xlam-function-calling-60k has it (CC BY 4.0): `answers` and `tools` are arrays,
/// or strings with their JSON. No answers: no tool serves the request. Throws Error for what is not of that form.
inline Sample xlam_sample(const JsonlRow& row) {
  const auto in = [&](const char* column) { return row.where() + ": column " + column; };
  const std::string tools = detail::json_column(row, "tools"), answers = detail::json_column(row, "answers");
  const JsonTree calls = detail::json_in(answers, in("answers"));
  if (calls.array() == nullptr)
    throw Error(in("answers"), "expected an array of calls, found " + std::string(calls.type()));
  return detail::tool_sample(in("tools"), tools, row.string("query"),
                             detail::called_answer(detail::json_in(tools, in("tools")), *calls.array(), row.where()),
                             "xlam", calls.array()->size());
}

}  // namespace kvx::inline v0
