#include <kvx/score/code_exec/extract_code.hpp>

#include <doctest/doctest.h>

#include <string>
#include <string_view>

#include "support/json_of.hpp"

using namespace kvx;

namespace {
constexpr std::string_view kPrompt = "import math\n\ndef f(x):\n    \"\"\"Doubles.\"\"\"\n";

/// The code that is found, with "| " before a completion; "none" if there is none.
std::string found(std::string_view answer, std::string_view prompt = kPrompt) {
  const auto code = extract_code(answer, "f", prompt);
  return !code ? "none" : (code->completes ? "| " : "") + code->text;
}
}  // namespace

TEST_CASE("A fenced block is the program") {
  CHECK(found("Sure:\n```python\ndef f(x):\n    return 2*x\n```\nIt doubles.") == "def f(x):\n    return 2*x\n");
  CHECK(found("```\ndef f(x):\n    return 2*x\n```") == "def f(x):\n    return 2*x\n");
  CHECK(found("```python\ndef f(x):\n    return 2*x") == "def f(x):\n    return 2*x\n");
  CHECK(found("```Python3\r\ndef f(x):\r\n    return 2*x\r\n```\r\n") == "def f(x):\n    return 2*x\n");
  CHECK(found("1. So:\n   ```py\n   def f(x):\n       return 2*x\n   ```\n") == "def f(x):\n    return 2*x\n");
  CHECK(found("```python\nclass f:\n    pass\nprint(f)\n```") == "class f:\n    pass\nprint(f)\n");
}

TEST_CASE("Of several blocks the one that defines the function is taken, otherwise the first in Python") {
  CHECK(found("```python\nprint(f(1))\n```\n```\ndef f(x): return x\n```") == "def f(x): return x\n");
  CHECK(found("```\ndef f(x): return 1\n```\n```python\ndef f(x): return 2\n```") == "def f(x): return 2\n");
  CHECK(found("```sh\npip\n```\n```python\nreturn 2*x\n```") == "|     return 2*x\n");
  CHECK(found("```sh\nx\n```\n```\ny\n```", "") == "x\n");
  CHECK(found("```python\ndef fg(x): return 1\n```\n```\nf = abs\n```") == "f = abs\n");
}

TEST_CASE("A text that defines the function is the program, without prose and demonstrations") {
  CHECK(found("def f(x):\n    return 2*x\n") == "def f(x):\n    return 2*x\n");
  CHECK(
      found(
          "Here it is:\n\nfrom math import pi\nimport os\n\ndef f(x):\n    return g(x)\n\ndef g(x):\n    return x\n") ==
      "from math import pi\nimport os\n\ndef f(x):\n    return g(x)\n\ndef g(x):\n    return x\n");
  for (const char* more :
       {"print(f(1))\n", "assert f(1) == 2\n", "if __name__ == '__main__':\n    f(1)\n", "```\nProse",
        "\"\"\"\nAnother", "This function doubles.\n", "Note: x\n", "- a list\n", "1. a list\n"})
    CHECK(found("def f(x):\n    return 2*x\n" + std::string(more)) == "def f(x):\n    return 2*x\n");
  for (const char* more :
       {"f.count = 1\n", "x = 1\n", "# why\n", "@cache\ndef g(): pass\n", "for i in []:\n    pass\n"})
    CHECK(found("def f(x):\n    return 2*x\n" + std::string(more)) ==
          "def f(x):\n    return 2*x\n" + std::string(more));
}

TEST_CASE("Otherwise an answer continues the prompt, up to the end of the function") {
  CHECK(found("    return 2*x\n") == "|     return 2*x\n");
  CHECK(found("\n    y = (1\n)\n    return 2*y\n\n\nclass A: pass") == "| \n    y = (1\n)\n    return 2*y\n\n\n");
  for (const char* more : {"def g():\n    pass\n", "class A:\n", "# Test\n", "if True:\n", "print(f(1))\n",
                           "```\nProse", "This doubles.\n", "<|endoftext|>"})
    CHECK(found("    return 2*x\n" + std::string(more)) == "|     return 2*x\n");
  CHECK(found("    def g(): pass\n    # why\n    print(1)\n") == "|     def g(): pass\n    # why\n    print(1)\n");
}

TEST_CASE("A fence after a body does not begin the program") {
  CHECK(found("    return 2*x\n```\nThat was:\n```python\nx\n```") == "|     return 2*x\n");
}

TEST_CASE("Missing indentation is restored") {
  CHECK(found("return 2*x") == "|     return 2*x\n");
  CHECK(found("y = x\n    return 2*y\n") == "|     y = x\n    return 2*y\n");
  CHECK(found("y = x\nreturn 2*y\n") == "|     y = x\n    return 2*y\n");
  CHECK(found("if x:\n        return 1\n    return 2\n") == "|     if x:\n        return 1\n    return 2\n");
  CHECK(found("if x:\n    return 1\nreturn 2\n") == "|     if x:\n        return 1\n    return 2\n");
  CHECK(found(" y = x\n    return y\n") == "|     y = x\n    return y\n");
  CHECK(found("  y = x\n  return y\n") == "|     y = x\n    return y\n");
  CHECK(found("```python\nreturn 2*x\n\nprint(1)\n```") == "|     return 2*x\n\n    print(1)\n");
  CHECK(found("return 2*x\n", "def f(x):\n\t\"\"\"Doubles.\"\"\"\n") == "| \treturn 2*x\n");
  CHECK(found("return 2*x\n", "def f(x):\n") == "|     return 2*x\n");
}

TEST_CASE("An empty answer has no code") {
  for (const char* answer : {"", "  \n\n", "```python\n```", "```python", "```\n\n```\n"}) {
    CAPTURE(answer);
    CHECK(found(answer) == "none");
    CHECK(found(answer, "") == "none");
  }
  CHECK(found("I cannot do that.", "") == "none");  // there is no prompt to complete
}

TEST_CASE("Hostile answers are read quickly") {
  for (const char* piece : {"```\n", "```python\n", "def f(x):\n", "    x\n", "x\n", " ", "\n", "f = 1\n", "\xff\n"}) {
    CAPTURE(piece);
    CHECK_NOTHROW(found(repeated(piece, 1 << 18)));
    CHECK_NOTHROW(found(repeated(piece, 1 << 18), ""));
  }
}

TEST_CASE("A stub is not the solution, wherever it is") {
  const std::string solution = "```python\ndef f(x):\n    return 2*x\n```\n", program = "def f(x):\n    return 2*x\n";
  for (const char* body :
       {"pass", "...", "\"\"\"Doubles.\"\"\"", "raise NotImplementedError()", "# TODO",
        "import math\n    \"\"\"Doubles\n\n    it.\"\"\"\n    pass", "r'''x'''\n    return NotImplemented"}) {
    const std::string stub = "```python\ndef f(x):\n    " + std::string(body) + "\n```\n";
    CAPTURE(body);
    CHECK(found(stub + "So:\n" + solution) == program);
    CHECK(found(solution + "In short:\n" + stub) == program);
  }
  CHECK(found("```python\ndef f(x): pass\n```\n" + solution) == program);
  CHECK(found("```python\ndef f(x):\n    return x\n```\nBetter:\n" + solution) == program);
  CHECK(found("```python\ndef f(x):\n    pass\n```") == "def f(x):\n    pass\n");  // there is no other definition
}

TEST_CASE("Prose is not taken for code, nor code for prose") {
  for (const char* prose : {"Here is the function:", "For this problem, we need a loop.", "Note: x may be 0",
                            "import the module first", "This (see below) works", "f(x) returns the sum of x",
                            "1. First", "with care", "e.g. this", "def initely", "class of problems", "from here on"}) {
    CAPTURE(prose);
    CHECK_FALSE(detail::looks_like_code(prose));
  }
  for (const char* code : {"import os, sys as s",
                           "from a import b",
                           "x = 1",
                           "a, b = b, a",
                           "ZERO: int = 0",
                           "x += 1",
                           "x[0] = 1",
                           "f(1)",
                           "f(1).g[2]",
                           "f(1) if x else g()",
                           "def f(x):",
                           "class A:",
                           "for i in x:",
                           "try:",
                           "@cache",
                           "# why",
                           "return x",
                           "'''Doc",
                           "with open(p) as f:",
                           "a.b.c()",
                           "print(f(x), end='')"}) {
    CAPTURE(code);
    CHECK(detail::looks_like_code(code));
  }
}
