#include <kvx/eval/run/prompts.hpp>

#include <doctest/doctest.h>

#include <kvx/core/error.hpp>

#include "support/error_of.hpp"
#include "support/jinja.hpp"
#include "support/reference.hpp"

#include <numeric>
#include <string>
#include <vector>

using namespace kvx;

namespace {
struct SpanPrompts {
  Tokenizer tokenizer = Tokenizer::load(kvx_test::kTinyModel);
  ChatTemplate chat = ChatTemplate::parse_name("qwen2.5");
  Index max_context_length = 0;
  std::vector<NamedSpan> given_spans = {};

  std::vector<PromptGroup> groups(const std::vector<Sample>& samples, bool query_aware = false) const {
    const std::vector<std::string> locations(samples.size(), "FILE: line 1");
    std::vector<std::size_t> taken(samples.size());
    std::iota(taken.begin(), taken.end(), std::size_t{0});
    return Prompter{tokenizer, chat, max_context_length, 4096, given_spans}.groups(samples, locations, taken,
                                                                                   query_aware);
  }
  std::string text(const PromptGroup& group, const NamedSpan& span) const {
    return tokenizer.decode(
        std::span(group.context)
            .subspan(static_cast<std::size_t>(span.tokens.first), static_cast<std::size_t>(span.tokens.size())));
  }
};
const Sample kMarked{"",
                     "Who are you?",
                     "",
                     "",
                     "t",
                     1,
                     "<kvx:defense>Tell nobody.\n</kvx:defense><kvx:instructions>Be brief"
                     "</kvx:instructions>"};
}  // namespace

TEST_CASE("The system message is compressed, and its marked spans are found in tokens") {
  const SpanPrompts prompts;
  const auto groups = prompts.groups({kMarked});
  REQUIRE(groups.size() == 1);
  const PromptGroup& group = groups.front();
  CHECK(prompts.tokenizer.decode(group.context) ==
        "<|im_start|>system\nTell nobody.\nBe brief<|im_end|>\n<|im_start|>user\n");
  CHECK(prompts.tokenizer.decode(group.prompts.front().tokens) == "Who are you?<|im_end|>\n<|im_start|>assistant\n");
  REQUIRE(group.spans.size() == 2);
  CHECK(group.spans[0].name == "defense");
  CHECK(prompts.text(group, group.spans[0]) == "Tell nobody.\n");
  CHECK(prompts.text(group, group.spans[1]) == "Be brief");
  CHECK(group.spans[0].tokens.last == group.spans[1].tokens.first);
}

TEST_CASE("Contexts and spans are found in templates that are rendered by Jinja2") {
  if (!kvx_test::jinja_missing().empty()) return;
  SpanPrompts prompts;
  prompts.chat = ChatTemplate::of_text(
      "{% for m in messages %}[{{ m.role }}]{{ m.content | trim }}{% endfor %}{% if add_generation_prompt %}[answer]{% "
      "endif %}",
      "FILE", {.program = kvx_test::kRenderChat});
  Sample sample = kMarked;
  sample.context = " One.\n<kvx:middle>Two. </kvx:middle>";
  const auto groups = prompts.groups({sample});
  REQUIRE(groups.size() == 1);
  const PromptGroup& group = groups.front();
  CHECK(prompts.tokenizer.decode(group.context) == "[system]Tell nobody.\nBe brief[user]One.\nTwo. ");
  CHECK(prompts.tokenizer.decode(group.prompts.front().tokens) == "Who are you?[answer]");
  REQUIRE(group.spans.size() == 3);
  CHECK(prompts.text(group, group.spans[0]) == "Tell nobody.\n");
  CHECK(prompts.text(group, group.spans[1]) == "Be brief");
  CHECK(prompts.text(group, group.spans[2]) == "Two. ");
  prompts.chat = ChatTemplate::of_text("{{ messages[-1].content }}", "FILE", {.program = kvx_test::kRenderChat});
  CHECK(error_of([&] { (void)prompts.groups({sample}); }) == "FILE: the chat template leaves out the system message");
}

TEST_CASE("Spans of a context come after the system message, whether or not the question is compressed, too") {
  const SpanPrompts prompts;
  const Sample sample{"A <kvx:part>\u00fcber</kvx:part> B", " Q?", "", "", "t", 1, "S"};
  for (const bool query_aware : {false, true}) {
    const auto groups = prompts.groups({sample}, query_aware);
    REQUIRE(groups.front().spans.size() == 1);
    CHECK(prompts.text(groups.front(), groups.front().spans[0]) == "\u00fcber");
  }
}

TEST_CASE("A token that begins in one span and ends in the next belongs to the first") {
  const SpanPrompts prompts;
  const Sample whole{"assistant", "Q", "", "", "t", 1},
      split{"<kvx:a>assis</kvx:a><kvx:b>tant</kvx:b>", "Q", "", "", "t", 1};
  const auto groups = prompts.groups({whole, split});
  REQUIRE(groups.size() == 2);
  CHECK(groups[0].context == groups[1].context);
  REQUIRE(groups[1].spans.size() == 1);
  CHECK(prompts.text(groups[1], groups[1].spans[0]) == "assistant");
}

TEST_CASE("Spans from the options replace marked spans of the same name, and all spans end where a cut context ends") {
  SpanPrompts prompts;
  prompts.given_spans = {{"defense", {0, 2}}};
  const auto groups = prompts.groups({kMarked});
  CHECK(groups.front().spans.front() == NamedSpan{"defense", {0, 2}});
  CHECK(groups.front().spans.size() == 2);
  prompts.max_context_length = static_cast<Index>(groups.front().spans[1].tokens.first) + 1;
  CHECK(prompts.groups({kMarked}).front().spans[1].tokens.size() == 1);
  prompts.max_context_length = 1;
  CHECK(prompts.groups({kMarked}).front().spans == std::vector<NamedSpan>{{"defense", {0, 1}}});
}

TEST_CASE("An invalid mark is an error that names its line and column") {
  Sample sample = kMarked;
  sample.system = "<kvx:defense>x";
  CHECK(error_of([&] { SpanPrompts().groups({sample}); }) ==
        "FILE: line 1: system: expected </kvx:defense>, found the end of the text");
}
