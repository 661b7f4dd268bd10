#include <kvx/score/ifeval/ifeval_task.hpp>

#include <doctest/doctest.h>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "support/error_of.hpp"
#include "support/json_of.hpp"
#include "support/reference.hpp"

using namespace kvx;

namespace {
const IfevalTask& ifeval_task() {
  static const IfevalTask task({KVX_SOURCE_DIR "/examples/data/ifeval"});
  return task;
}
Sample ifeval_gold(const std::string& ids, const std::string& kwargs) {
  return {"c", "q", "", R"({"instruction_id_list": [)" + ids + R"(], "kwargs": [)" + kwargs + "]}", "ifeval", 64};
}
/// The strict and the loose verdict: "01" is followed only loosely. `kwargs` has the parameters as JSON members.
std::string ifeval_verdict(const std::string& id, const std::string& kwargs, std::string_view answer) {
  const Grade grade = ifeval_task().grade(ifeval_gold("\"" + id + "\"", "{" + kwargs + "}"), answer);
  REQUIRE(grade.parts.size() == 1);
  CHECK(grade.parts[0].group == id);
  return {grade.parts[0].values[0] == 1 ? '1' : '0', grade.parts[0].values[1] == 1 ? '1' : '0'};
}
}  // namespace

TEST_CASE("Verdicts equal those of IFEval's own checkers") {
  kvx_test::Tally tally{"ifeval", 0, 0, 0, "langdetect's language depends on its seed"};
  std::map<std::string_view, int> kinds;
  for (const InstructionKind& kind : kInstructionKinds) kinds[kind.id] = 0;
  kvx_test::each_row(kvx_test::reference("ifeval/verdicts.jsonl").path, [&](const JsonValue& row) {
    if (row.find("unstable")) {
      ++tally.not_applicable;
      return;
    }
    CAPTURE(row.at("id").string());
    const std::string id(row.at("instruction_id").string());
    const Grade grade = ifeval_task().grade(ifeval_gold("\"" + id + "\"", simdjson::minify(row.at("kwargs").element())),
                                            row.at("response").string());
    CHECK(tally.count(grade.metrics[0] == double(row.at("strict").boolean()) &&
                      grade.metrics[1] == double(row.at("loose").boolean())));
    ++kinds.at(id);
  });
  CHECK(tally.cases > 500);
  CHECK(kinds.size() == 25);
  for (const auto& [id, rows] : kinds) CHECK_MESSAGE(rows >= 10, id);
}

TEST_CASE("An answer's state shows how many instructions it follows") {
  const Sample sample = ifeval_gold(R"("punctuation:no_comma", "startend:quotation")", R"({"letter": null}, {})");
  const auto check = [&](std::string_view answer, const char* state, double strict, double loose, const char* detail) {
    CAPTURE(answer);
    const Grade grade = ifeval_task().grade(sample, answer);
    CHECK(grade.state == state);
    CHECK(grade.metrics == std::vector<std::optional<double>>{strict, loose});
    CHECK(grade.detail == detail);
    CHECK(grade.parts.size() == 2);
  };
  check("\"yes\"", "followed", 1, 1, "");
  check("*\"yes\"*", "loosely", 0, 1, "startend:quotation");
  check("Sure, here:\n\"yes\"", "loosely", 0, 1, "punctuation:no_comma, startend:quotation");
  check("yes", "partly", 0, 0, "startend:quotation");
  check("a, b", "ignored", 0, 0, "punctuation:no_comma, startend:quotation");
  check(" \n\u3000", "empty", 0, 0, "punctuation:no_comma, startend:quotation");
  check("", "empty", 0, 0, "punctuation:no_comma, startend:quotation");
}

TEST_CASE("The loose verdict ignores the first and the last line, and asterisks") {
  const auto quoted = [](std::string_view answer) { return ifeval_verdict("startend:quotation", "", answer); };
  CHECK(quoted("\"a\nb\"") == "11");
  CHECK(quoted("Sure:\n\"a\nb\"") == "01");
  CHECK(quoted("\"a\nb\"\nDone.") == "01");
  CHECK(quoted("Sure:\n \"a\" \nDone.") == "01");
  CHECK(quoted("Sure:\n**\"a\"**\nDone.") == "01");
  CHECK(quoted("Sure:\n\n\"a\"\n\nVery\nDone.") == "00");
  CHECK(quoted("Sure: \"a\"") == "00");
}

TEST_CASE("If IFEval would count a random letter, the character in the prompt is counted") {
  const std::string many = R"("letter": "#", "let_frequency": 2, "let_relation": "at least")";
  CHECK(ifeval_verdict("keywords:letter_frequency", many, "# Title\n## More") == "11");
  CHECK(ifeval_verdict("keywords:letter_frequency", many, "# Title, a b c d e f g") == "00");
}

TEST_CASE("Bullets, highlights and titles are counted as markup and not as text") {
  const auto bullets = [](const std::string& count, std::string_view answer) {
    return ifeval_verdict("detectable_format:number_bullet_lists", "\"num_bullets\": " + count, answer)[0];
  };
  CHECK(bullets("2", "* a\n\n  * b\n** c") == '1');
  CHECK(bullets("2", "- a\n---\n") == '1');
  CHECK(bullets("1", "*\n* b") == '1');  // the second line is part of the first point
  CHECK(bullets("0", "a * b\n1. c - d") == '1');
  const auto highlights = [](const std::string& count, std::string_view answer) {
    return ifeval_verdict("detectable_format:number_highlighted_sections", "\"num_highlights\": " + count, answer)[0];
  };
  CHECK(highlights("2", "*a* **b**") == '1');
  CHECK(highlights("2", "*a\nb* * * ****") == '0');
  const auto title = [](std::string_view answer) { return ifeval_verdict("detectable_format:title", "", answer)[0]; };
  CHECK(title("<<a>>") == '1');
  CHECK(title("<<>> <<a>>") == '1');
  CHECK(title("<< >>\n<<<>>\n<<a\n>>") == '0');
}

TEST_CASE("Hostile answers get a verdict quickly") {
  constexpr int kMany = 50'000;
  const std::vector<std::string> answers = {repeated("*", kMany),  repeated("\n", kMany),      repeated("<<", kMany),
                                            repeated("[", kMany),  repeated("{\"a\":", kMany), repeated(" -", kMany),
                                            repeated(". ", kMany), repeated("'", kMany),       "\xff\xfe\xed\xa0\x80",
                                            repeated("a@", kMany), std::string(10, '\0')};
  for (const auto& [id, kwargs] : std::vector<std::pair<std::string, std::string>>{
           {"detectable_format:number_bullet_lists", "\"num_bullets\": 1"},
           {"detectable_format:number_highlighted_sections", "\"num_highlights\": 1"},
           {"detectable_format:title", ""},
           {"detectable_format:json_format", ""},
           {"detectable_content:number_placeholders", "\"num_placeholders\": 1"},
           {"length_constraints:number_sentences", R"("num_sentences": 1, "relation": "less than")"},
           {"language:response_language", "\"language\": \"en\""},
           {"change_case:capital_word_frequency", R"("capital_frequency": 1, "capital_relation": "at least")"},
           {"keywords:existence", R"("keywords": ["^(\\w+\\s?)+$"])"}})
    for (const std::string& answer : answers) {
      CAPTURE(id);
      CHECK(ifeval_verdict(id, kwargs, answer).size() == 2);
    }
  CHECK(ifeval_verdict("keywords:existence", R"("keywords": ["^(a+)+$"])", std::string(60, 'a') + "b") == "00");
}

TEST_CASE("Several threads may use a task whose files are not read yet") {
  const IfevalTask task({KVX_SOURCE_DIR "/examples/data/ifeval"});
  const Sample sample = ifeval_gold(R"("change_case:english_lowercase", "length_constraints:number_sentences")",
                                    R"({}, {"num_sentences": 2, "relation": "at least"})");
  std::vector<std::string> states(4);
  std::vector<std::thread> threads;
  for (std::string& state : states)
    threads.emplace_back([&] { state = task.grade(sample, "the sea was calm. we went home early.").state; });
  for (std::thread& thread : threads) thread.join();
  for (const std::string& state : states) CHECK(state == "followed");
}

TEST_CASE("A sample of another form is an error that names what is wrong") {
  const auto refused = [](const std::string& answer) {
    return error_of([&] { ifeval_task().grade({"", "", "", answer, "ifeval", 1}, "a"); });
  };
  const auto refused_kwargs = [&](const std::string& id, const std::string& kwargs) {
    return refused(ifeval_gold("\"" + id + "\"", kwargs).answer);
  };
  CHECK(refused("Paris") == "sample's answer: expected a JSON object, found no JSON");
  CHECK(refused("{}") == "sample's answer: instruction_id_list: expected an array, found none");
  CHECK(refused(R"({"instruction_id_list": [], "kwargs": 1})") ==
        "sample's answer: kwargs: expected an array, found a number");
  CHECK(refused(R"({"instruction_id_list": ["punctuation:no_comma"], "kwargs": []})") ==
        "sample's answer: expected instructions and kwargs for each, found 1 instructions and 0 kwargs");
  CHECK(refused_kwargs("punctuation:none", "{}") ==
        "sample's answer: instruction_id_list: expected instructions of IFEval, found punctuation:none");
  CHECK(refused_kwargs("punctuation:no_comma", "1") ==
        "sample's answer: punctuation:no_comma: kwargs: expected an object, found a number");
  const std::string words = "length_constraints:number_words", where = "sample's answer: " + words + ": ";
  CHECK(refused_kwargs(words, "{}") == where + "relation: expected a text, found none");
  CHECK(refused_kwargs(words, R"({"relation": "at most", "num_words": 1})") ==
        where + "relation: expected \"at least\" or \"less than\", found \"at most\"");
  CHECK(refused_kwargs(words, R"({"relation": "at least", "num_words": null})") ==
        where + "num_words: expected a whole number of 0 or more, found none");
  CHECK(refused_kwargs(words, R"({"relation": "at least", "num_words": -1})") ==
        where + "num_words: expected a whole number of 0 or more, found -1");
  CHECK(refused_kwargs(words, R"({"relation": "at least", "num_words": 300.0})").empty());
  CHECK(refused_kwargs("keywords:existence", R"({"keywords": []})") ==
        "sample's answer: keywords:existence: keywords: expected an array of texts, found an empty one");
  CHECK(refused_kwargs("keywords:existence", R"({"keywords": ["a", "("]})")
            .starts_with("sample's answer: keywords:existence: keywords: not a regular expression: "));
  CHECK(refused_kwargs("keywords:letter_frequency",
                       R"({"letter": "ab", "let_frequency": 1, "let_relation": "at least"})") ==
        "sample's answer: keywords:letter_frequency: letter: expected one character, found 2");
  CHECK(refused_kwargs("length_constraints:nth_paragraph_first_word",
                       R"({"num_paragraphs": 2, "nth_paragraph": 3, "first_word": "a"})") ==
        "sample's answer: length_constraints:nth_paragraph_first_word: nth_paragraph: expected 1 to num_paragraphs 2, "
        "found 3");
}

TEST_CASE("A missing model is an error with its file, whatever the answer") {
  const IfevalTask task({"no/such/folder"});
  const auto failed = [&](const char* id, const char* kwargs) {
    return error_of([&] { task.grade(ifeval_gold(id, kwargs), ""); });
  };
  CHECK(failed("\"change_case:english_capital\"", "{}")
            .starts_with("no/such/folder/language_profiles.txt.gz: cannot open: "));
  CHECK(failed("\"length_constraints:number_sentences\"", R"({"num_sentences": 1, "relation": "at least"})")
            .starts_with("no/such/folder/punkt_english.txt.gz: cannot open: "));
  CHECK(failed("\"punctuation:no_comma\"", "{}").empty());
}
