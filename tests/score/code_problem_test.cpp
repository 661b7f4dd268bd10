#include <kvx/score/code_exec/code_problem.hpp>

#include <doctest/doctest.h>

#include <string>

#include "support/error_of.hpp"

using namespace kvx;

namespace {
const CodeProblem kProblem = {"import math\n\ndef g():\n    pass\n\ndef f(x):\n    \"\"\"Doubles.\"\"\"\n", "f",
                              "assert f(1) == 2\n", "def f(x): return 2*x\n", "import os"};
}  // namespace

TEST_CASE("A problem is read back from its column") {
  const CodeProblem problem = code_problem(answer_column(kProblem));
  CHECK(problem.prompt == kProblem.prompt);
  CHECK(problem.entry_point == kProblem.entry_point);
  CHECK(problem.tests == kProblem.tests);
  CHECK(problem.reference == kProblem.reference);
  CHECK(problem.setup == kProblem.setup);
}

TEST_CASE("An answer that is not a problem is an error") {
  const auto message = [](const char* answer) { return error_of([&] { code_problem(answer); }); };
  CHECK(message("Paris") == "sample's answer: expected a JSON object, found no JSON");
  CHECK(message("[]") == "sample's answer: expected a JSON object, found an array");
  CHECK(message("{}") == "sample's answer: missing field prompt");
  CHECK(message(R"({"prompt": 1})") == "sample's answer: prompt: expected a string, found a number");
  CHECK(message(R"({"prompt": "", "entry_point": "", "tests": " \n", "reference": "", "setup": ""})") ==
        "sample's answer: tests: expected a program, found an empty text");
}

TEST_CASE(
    "A completion follows the prompt, and a complete function follows the part of the prompt before the function") {
  CHECK(program_of(kProblem, {"    return 2*x", true}).source == "import os\n" + kProblem.prompt + "    return 2*x\n");
  CHECK(program_of(kProblem, {"def f(x): return 2*x", false}).source ==
        "import os\nimport math\n\ndef g():\n    pass\n\ndef f(x): return 2*x\n");
  CHECK(program_of(kProblem, {"x", false}).tests == kProblem.tests);
}

TEST_CASE("A completion is compared with the reference's part after the prompt") {
  CodeProblem problem = kProblem;
  problem.reference = problem.prompt + "    return 2*x\n";
  CHECK(reference_of(problem, {"", true}) == "    return 2*x\n");
  CHECK(reference_of(problem, {"", false}) == problem.reference);
  CHECK(reference_of(kProblem, {"", true}) == kProblem.reference);
}
