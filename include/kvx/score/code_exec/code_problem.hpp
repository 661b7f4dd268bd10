#pragma once

#include <kvx/core/error.hpp>
#include <kvx/io/json/json_tree.hpp>
#include <kvx/io/json/json_writer.hpp>
#include <kvx/score/code_exec/extract_code.hpp>
#include <kvx/score/code_exec/python_units.hpp>
#include <kvx/score/sample.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace kvx::inline v0 {

/// A problem to be solved by a Python function. A sample's answer is such a problem as JSON.
struct CodeProblem {
  std::string prompt;       ///< code that the answer continues or replaces; may be empty
  std::string entry_point;  ///< the function that the tests call; may be empty
  std::string tests;        ///< a program that passes if it ends without an exception
  std::string reference;    ///< a complete solution, with the prompt
  std::string setup;        ///< code that runs before the answer, such as imports; may be empty
};

/// A program to run: first the source, then the tests, in the same namespace.
struct CodeProgram {
  std::string source, tests;
};

/// Reads a sample's answer. Throws Error if a field is missing or is not a string.
inline CodeProblem code_problem(std::string_view answer) {
  const JsonTree tree = answer_object(answer);
  const auto field = [&](const char* name) { return answer_string(tree, name); };
  CodeProblem problem{field("prompt"), field("entry_point"), field("tests"), field("reference"), field("setup")};
  if (problem.tests.find_first_not_of(" \t\r\n") == std::string::npos)
    throw Error("sample's answer", "tests: expected a program, found an empty text");
  return problem;
}

/// The answer column that code_problem() reads.
inline std::string answer_column(const CodeProblem& problem) {
  JsonWriter out;
  out.begin_object().key("prompt").value(problem.prompt).key("entry_point").value(problem.entry_point);
  out.key("tests").value(problem.tests).key("reference").value(problem.reference);
  out.key("setup").value(problem.setup).end_object();
  return out.text();
}

namespace detail {

/// A program with its imports from __future__ moved to the top, where Python requires them.
inline std::string with_future_first(const std::string& source) {
  constexpr std::string_view kFuture = "from __future__ import";
  if (source.find(kFuture) == source.npos) return source;
  std::string future, rest;
  for (const PythonUnit& unit : python_units(source)) (unit.text.starts_with(kFuture) ? future : rest) += unit.text;
  return future + rest;
}

}  // namespace detail

/// The program of an answer. A completion follows the prompt. Code that defines the function itself follows the part of
/// the prompt before the function, such as imports and helpers.
inline CodeProgram program_of(const CodeProblem& problem, const ExtractedCode& code) {
  std::string source = problem.setup.empty() ? "" : problem.setup + "\n";
  source +=
      code.completes ? problem.prompt : problem.prompt.substr(0, definition_of(problem.prompt, problem.entry_point));
  return {detail::with_future_first(source + code.text + "\n"), problem.tests};
}

/// The part of the reference that `code` is compared with: after the prompt if `code` completes the prompt, else all.
inline std::string_view reference_of(const CodeProblem& problem, const ExtractedCode& code) {
  const std::string_view reference = problem.reference;
  return code.completes && reference.starts_with(problem.prompt) ? reference.substr(problem.prompt.size()) : reference;
}

}  // namespace kvx::inline v0
