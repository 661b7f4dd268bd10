#include <kvx/io/text_file.hpp>
#include <kvx/score/code_exec/code_exec.hpp>
#include <kvx/score/code_exec/code_samples.hpp>
#include <kvx/score/sample_file.hpp>

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "support/error_of.hpp"

using namespace kvx;

namespace {
const std::string kCodeData = KVX_SOURCE_DIR "/tests/data/code/";
const std::string kHumanEvalRow =
    R"J({"task_id": "HumanEval/0", "prompt": "def f(x):\n    \"\"\"Doubles.\"\"\"\n", "entry_point": "f", )J"
    R"J("canonical_solution": "    return 2*x\n", "test": "def check(g):\n    assert g(1) == 2\n"})J";
const std::string kMbppRow =
    R"J({"text": "Double it.", "code": "def g(x):\r\n  return x\r\ndef f(x):\r\n  return 2*g(x)", "task_id": 1, )J"
    R"J("test_setup_code": "one = g(1)\r\n", "test_list": ["assert f(one) == 2", "assert f(2) == 4", )J"
    R"J("assert f(3) == 6", "assert f(4) == 8"], "challenge_test_list": []})J";
const std::string kSanitizedRow =
    R"J({"source_file": "a", "task_id": 2, "prompt": "Double it.", "code": "def f(x):\n  return 2*x", )J"
    R"J("test_imports": ["import math"], "test_list": ["assert f(1) == 2"]})J";
JsonlRow code_row(const std::string& line) { return {line, "FILE: line 1"}; }
CodeProblem problem_of(const Sample& sample) { return code_problem(sample.answer); }
std::string changed(std::string row, const std::string& part, const std::string& replacement) {
  return row.replace(row.find(part), part.size(), replacement);
}
}  // namespace

TEST_CASE("A row of HumanEval asks a chat model for the function, and a base model to continue the prompt") {
  const Sample chat = humaneval_sample(code_row(kHumanEvalRow), false),
               base = humaneval_sample(code_row(kHumanEvalRow), true);
  CHECK(chat.context ==
        "Complete the following Python function.\n\n```python\ndef f(x):\n    \"\"\"Doubles.\"\"\"\n```\n");
  CHECK(chat.question.find("one Python code block") != std::string::npos);
  CHECK(base.context == "def f(x):\n");
  CHECK(base.question == "    \"\"\"Doubles.\"\"\"\n");
  for (const Sample& sample : {chat, base}) {
    CHECK(sample.task == "humaneval");
    CHECK(sample.max_new_tokens == 512);
    CHECK(sample.answer_prefix.empty());
    const CodeProblem problem = problem_of(sample);
    CHECK(problem.prompt == "def f(x):\n    \"\"\"Doubles.\"\"\"\n");
    CHECK(problem.entry_point == "f");
    CHECK(problem.tests == "def check(g):\n    assert g(1) == 2\n\ncheck(f)\n");
    CHECK(problem.reference == problem.prompt + "    return 2*x\n");
    CHECK(problem.setup.empty());
  }
}

TEST_CASE("A row of MBPP shows three tests; its setup runs after the code, and its lines end in line feeds") {
  const Sample chat = mbpp_sample(code_row(kMbppRow), false), base = mbpp_sample(code_row(kMbppRow), true);
  const std::string three = "assert f(one) == 2\nassert f(2) == 4\nassert f(3) == 6\n";
  CHECK(chat.context ==
        "You are an expert Python programmer, and here is your task: Double it.\nYour code should pass these tests:\n\n"
        "```python\n" +
            three + "```\n");
  CHECK(base.context == "\"\"\"\nDouble it.\n" + three);
  CHECK(base.question == "\"\"\"\n");
  for (const Sample& sample : {chat, base}) {
    CHECK(sample.task == "mbpp");
    const CodeProblem problem = problem_of(sample);
    CHECK(problem.prompt.empty());
    CHECK(problem.entry_point == "f");  // and not g, which the tests do not name
    CHECK(problem.tests == "one = g(1)\n\n" + three + "assert f(4) == 8\n");
    CHECK(problem.reference == "def g(x):\n  return x\ndef f(x):\n  return 2*g(x)");
    CHECK(problem.setup.empty());
  }
}

TEST_CASE("Sanitized MBPP has its text in the prompt, and imports") {
  const CodeProblem problem = problem_of(mbpp_sample(code_row(kSanitizedRow), false));
  CHECK(problem.setup == "import math\n");
  CHECK(problem.tests == "assert f(1) == 2\n");
  CHECK(problem.entry_point == "f");
}

TEST_CASE("MBPP with a column `test` runs the tests of that column, and shows the listed ones") {
  std::string row = kSanitizedRow;
  row.insert(1, R"("test": "for i in [1]:\n    assert f(i) == 2 * i\n", )");
  const Sample sample = mbpp_sample(code_row(row), false);
  CHECK(sample.task == "mbpp_plus");
  CHECK(problem_of(sample).tests == "for i in [1]:\n    assert f(i) == 2 * i\n\n");
  CHECK(problem_of(sample).entry_point == "f");
  CHECK(sample.context.find("assert f(1) == 2\n") != std::string::npos);
}

TEST_CASE("Rows of both data sets are recognized by their columns") {
  CHECK(is_humaneval_row(code_row(kHumanEvalRow)));
  CHECK_FALSE(is_mbpp_row(code_row(kHumanEvalRow)));
  for (const std::string& row : {kMbppRow, kSanitizedRow}) {
    CHECK(is_mbpp_row(code_row(row)));
    CHECK_FALSE(is_humaneval_row(code_row(row)));
  }
  const JsonlRow other = code_row(R"({"context": "", "question": "", "answer": "", "prompt": ""})");
  CHECK_FALSE(is_humaneval_row(other));
  CHECK_FALSE(is_mbpp_row(other));
}

TEST_CASE("A row that lacks something is an error with its place") {
  const auto message = [](const std::string& text) {
    const JsonlRow row = code_row(text);
    return error_of([&] { (void)(row.has_all({"code"}) ? mbpp_sample(row, false) : humaneval_sample(row, false)); });
  };
  CHECK(message(changed(kHumanEvalRow, "\"test\"", "\"tests\"")) == "FILE: line 1: missing column test");
  CHECK(message(changed(kHumanEvalRow, "\"entry_point\": \"f\"", "\"entry_point\": \"g\"")) ==
        "FILE: line 1: column prompt: expected the beginning of a function g");
  CHECK(message(changed(kMbppRow, "\"test_list\": [", "\"test_list\": [1, ")) ==
        "FILE: line 1: column test_list: expected an array of strings, found a number in it");
  CHECK(message(changed(kMbppRow, "\"text\"", "\"task\"")) == "FILE: line 1: missing column text");
  CHECK(message(changed(kSanitizedRow, "[\"import math\"]", "null")) ==
        "FILE: line 1: column test_imports: expected an array of strings, found null");
}

TEST_CASE("A file is JSON lines or one array") {
  const auto count = [](const std::string& name) {
    return read_samples(name, read_text_file(kCodeData + name), CodeExecTask::row_forms(), {true}).samples.size();
  };
  CHECK(count("humaneval.jsonl") == 28);
  CHECK(count("mbpp.jsonl") == 4);
  CHECK(count("mbpp_sanitized.json") == 14);
  const std::string bad = changed(kSanitizedRow, "\"test_imports\"", "\"imports\"");
  CHECK(error_of([&] { read_samples("FILE", "[" + kSanitizedRow + ",\n" + bad + "]", CodeExecTask::row_forms()); }) ==
        "FILE[1]: missing column test_imports");
}
