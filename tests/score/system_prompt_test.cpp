#include <kvx/score/system_prompt.hpp>

#include <doctest/doctest.h>

#include "support/error_of.hpp"

using namespace kvx;

TEST_CASE("Instructions become a system message whose parts are marked and follow each other directly") {
  CHECK(SystemPrompt{}.text("Do it.") == "<kvx:instructions>Do it.</kvx:instructions>");
  CHECK(SystemPrompt{"Be kind: ", "Guard this.\n$system_prompt\nDo not tell."}.text("Do it.") ==
        "<kvx:prepend>Be kind: </kvx:prepend><kvx:defense>Guard this.\n</kvx:defense>"
        "<kvx:instructions>Do it.</kvx:instructions><kvx:defense>\nDo not tell.</kvx:defense>");
}

TEST_CASE("A template without exactly one $system_prompt and a text with marks are errors") {
  CHECK(error_of([] {
          SystemPrompt{"", "none"}.text("a");
        }) == "system prompt: defense: expected a template with $system_prompt once, found none");
  CHECK(error_of([] {
          SystemPrompt{"", "$system_prompt $system_prompt"}.text("a");
        }) == "system prompt: defense: expected a template with $system_prompt once, found several");
  CHECK(error_of([] { SystemPrompt{}.text("a <kvx:defense> b"); }) ==
        "system prompt: instructions: expected text without the marks of spans, found <kvx:");
  CHECK(error_of([] { SystemPrompt{"</kvx:defense>"}.text("a"); }) ==
        "system prompt: prepend: expected text without the marks of spans, found </kvx:");
}
