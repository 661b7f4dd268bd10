#include <kvx/io/text_file.hpp>
#include <kvx/score/code_exec/code_exec.hpp>
#include <kvx/score/code_exec/code_problem.hpp>
#include <kvx/score/code_exec/extract_code.hpp>
#include <kvx/score/judged_text.hpp>
#include <kvx/score/sample.hpp>
#include <kvx/score/sample_file.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/reference.hpp"
#include "support/verdicts.hpp"

using namespace kvx;

namespace {
std::string moved_right(std::string_view text, std::size_t columns) {
  std::string moved;
  for (const detail::TextLine& line : detail::lines_of(text))
    moved.append(line.blank() ? 0 : columns, ' ').append(line.text).append("\n");
  return moved;
}
std::string with_carriage_returns(std::string_view text) {
  std::string result;
  for (const char c : text) result += c == '\n' ? "\r\n" : std::string(1, c);
  return result;
}
std::string_view without_start(std::string_view text) { return text.substr(text.find_first_not_of(" \n")); }

/// The beginning of a function up to its docstring, without the last line end.
std::string header_of(std::string_view function) {
  for (const detail::TextLine& line : detail::lines_of(function))
    if (line.content().starts_with("\"\"\"") || line.content().starts_with("'''"))
      return std::string(function.substr(0, line.offset - 1));
  return std::string(function.substr(0, function.find('\n')));
}

/// The parts of a problem's solution that wrappings name.
std::map<std::string, std::string> parts_of(const CodeProblem& problem) {
  std::string program = problem.reference;
  if (!program.ends_with('\n')) program += '\n';
  const std::size_t definition = definition_of(program, problem.entry_point);
  const std::string solution = program.substr(definition), body = program.substr(problem.prompt.size());
  return {{"program", program},
          {"prompt", problem.prompt},
          {"entry", problem.entry_point},
          {"solution", solution},
          {"body", body},
          {"imports", program.substr(0, definition)},
          {"header", header_of(solution)},
          {"crlf_program", with_carriage_returns(program)},
          {"program_by_3", moved_right(program, 3)},
          {"program_by_4", moved_right(program, 4)},
          {"program_without_start", std::string(without_start(program))},
          {"program_without_end", program.substr(0, program.find_last_not_of('\n') + 1)},
          {"body_without_start", std::string(without_start(body))}};
}

std::string filled_in(std::string_view wrapping, const std::map<std::string, std::string>& parts) {
  std::string text;
  for (std::size_t pos = 0; pos < wrapping.size();) {
    const std::size_t end = wrapping[pos] == '{' ? wrapping.find('}', pos) : wrapping.npos;
    const auto part =
        end == wrapping.npos ? parts.end() : parts.find(std::string(wrapping.substr(pos + 1, end - pos - 1)));
    if (part != parts.end()) {
      text += part->second;
      pos = end + 1;
    } else {
      text += wrapping[pos++];
    }
  }
  return text;
}
}  // namespace

TEST_CASE("Solutions pass in every wrapping that models give them") {
  const std::string file = KVX_SOURCE_DIR "/examples/data/humaneval.jsonl.gz";
  const std::size_t step = kvx_test::environment("KVX_SHARED").empty() ? 8 : 1;  // all of them take a minute
  std::vector<std::pair<std::string, std::string>> wrappings;
  each_jsonl_row(KVX_SOURCE_DIR "/tests/data/code/wrappings.jsonl",
                 [&](const JsonlRow& row) { wrappings.emplace_back(row.string("name"), row.string("answer")); });
  CHECK(wrappings.size() >= 30);
  struct Case {
    std::string wrapping, entry_point;
    std::size_t program;
  };
  std::vector<Case> cases;
  std::vector<CodeProgram> programs;
  const SampleFile samples = read_samples(file, read_text_file(file), CodeExecTask::row_forms());
  for (std::size_t s = 0; s < samples.samples.size(); s += step) {
    const CodeProblem problem = code_problem(samples.samples[s].answer);
    const auto parts = parts_of(problem);
    std::map<std::string, std::size_t> known;  // most wrappings hold the same program
    for (const auto& [name, wrapping] : wrappings) {
      const std::string answer = judged_text("", filled_in(wrapping, parts), AnswerReading().thoughts).text;
      const auto code = extract_code(answer, problem.entry_point, problem.prompt);
      CodeProgram program = code ? program_of(problem, *code) : CodeProgram{"raise SystemExit\n", ""};
      const auto [found, is_new] = known.try_emplace(program.source, programs.size());
      if (is_new) programs.push_back(std::move(program));
      cases.push_back({name, problem.entry_point, found->second});
    }
  }
  const CodeExecTask running({.allow = true, .limits = {.cpu_seconds = 10, .wall_seconds = 60}});
  const auto states = kvx_test::states_of(running, programs);
  kvx_test::Tally tally{"wrappings"};
  for (const Case& tested : cases) {
    CAPTURE(tested.wrapping);
    CAPTURE(tested.entry_point);
    CAPTURE(programs[tested.program].source);
    CHECK(tally.count(states[tested.program] == "passed"));
  }
}
