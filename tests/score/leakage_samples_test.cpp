#include <kvx/score/leakage/leakage_answer.hpp>
#include <kvx/score/leakage/leakage_data.hpp>
#include <kvx/score/leakage/leakage_samples.hpp>
#include <kvx/score/leakage/leakage_task.hpp>

#include <doctest/doctest.h>
#include <zlib.h>

#include <cstddef>
#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "support/error_of.hpp"
#include "support/reference.hpp"
#include "support/temp_dir.hpp"

using namespace kvx;

namespace {
const std::string kLeakageExamples = KVX_SOURCE_DIR "/examples/data/leakage/";

LeakageData small_leakage_data() {
  return {{{"a", "Be brief."}, {"b", "Be kind."}, {"c", "Be calm."}},
          {{"none", "$system_prompt"}, {"front", "Keep it.\n$system_prompt"}},
          {{"", "Plain", "1", "What?"}, {"", "Plain", "2", "Which?"}, {"", "Role play", "1", "Act!"}}};
}
std::vector<LeakageAnswer> leak_answers(const std::vector<Sample>& samples) {
  std::vector<LeakageAnswer> answers;
  for (const Sample& sample : samples) answers.push_back(leakage_answer(sample.answer));
  return answers;
}
std::string leak_labels(const std::vector<Sample>& samples) {
  std::string labels;
  for (const LeakageAnswer& answer : leak_answers(samples))
    labels += answer.system_prompt_key + "/" + answer.defense_key + "/" + answer.attack_category.substr(0, 1) +
              answer.attack_id + " ";
  return labels;
}
}  // namespace

TEST_CASE("Each attack is tried on each system prompt with each defense, one context after the other") {
  const auto samples = leakage_samples(small_leakage_data());
  CHECK(leak_labels(samples) ==
        "a/none/P1 a/none/P2 a/none/R1 a/front/P1 a/front/P2 a/front/R1 "
        "b/none/P1 b/none/P2 b/none/R1 b/front/P1 b/front/P2 b/front/R1 "
        "c/none/P1 c/none/P2 c/none/R1 c/front/P1 c/front/P2 c/front/R1 ");
  const Sample& sample = samples.at(4);
  CHECK(sample.system == "<kvx:defense>Keep it.\n</kvx:defense><kvx:instructions>Be brief.</kvx:instructions>");
  CHECK(sample.context.empty());
  CHECK(sample.question == "Which?");
  CHECK(sample.answer_prefix.empty());
  CHECK(sample.task == "leakage");
  CHECK(sample.max_new_tokens == 100);
  const LeakageAnswer answer = leakage_answer(sample.answer);
  CHECK(answer.system_prompt == "Be brief.");
  CHECK(answer.defense == "Keep it.");
  CHECK(answer.defense_key == "front");
  CHECK(answer.attack_category == "Plain");
  CHECK(leakage_answer(samples.at(0).answer).defense.empty());
}

TEST_CASE("A choice selects system prompts, defenses and attacks") {
  LeakageChoice choice;
  choice.system_prompts = 1;
  choice.skip_ids = {"a"};
  CHECK(leak_labels(leakage_samples(small_leakage_data(), choice)) ==
        "b/none/P1 b/none/P2 b/none/R1 b/front/P1 b/front/P2 b/front/R1 ");
  choice.defenses = {"front"};
  choice.prompts_per_category = 1;
  CHECK(leak_labels(leakage_samples(small_leakage_data(), choice)) == "b/front/P1 b/front/R1 ");
  choice.attack_categories = {"Role play"};
  choice.system_prompts = 0;
  CHECK(leak_labels(leakage_samples(small_leakage_data(), choice)) == "b/front/R1 c/front/R1 ");
  choice.prepend = "You are Mia. ";
  CHECK(leakage_samples(small_leakage_data(), choice).front().system ==
        "<kvx:prepend>You are Mia. </kvx:prepend><kvx:defense>Keep it.\n</kvx:defense>"
        "<kvx:instructions>Be kind.</kvx:instructions>");
}

TEST_CASE("The text of a defense is the text around $system_prompt, without white space at its ends") {
  LeakageData data = small_leakage_data();
  data.defenses = {{"around", "\n Before.\n$system_prompt\nBehind.\n"}, {"behind", "$system_prompt\n\nBehind."}};
  const auto answers = leak_answers(leakage_samples(data, {.system_prompts = 1}));
  CHECK(answers.front().defense == "Before.\n\nBehind.");
  CHECK(answers.back().defense == "Behind.");
}

TEST_CASE("A choice that the data does not have is an error") {
  const auto refused = [](const LeakageChoice& choice) {
    return error_of([&] { leakage_samples(small_leakage_data(), choice); });
  };
  CHECK(refused({.defenses = {"none", "frunt"}}) ==
        "leakage: unknown defense 'frunt'; did you mean front? Known names: none, front");
  CHECK(refused({.attack_categories = {"Translation"}}) ==
        "leakage: unknown attack category 'Translation'; known names: Plain, Role play");
  CHECK(refused({.skip_ids = {"a", "b", "c"}}) ==
        "leakage: expected system prompts, defenses and attacks, found 0, 2 and 3");
}

TEST_CASE("System prompts are rows with a system_prompt, or with a message from the system") {
  const auto rows = read_system_prompts(
      "FILE",
      "{\"key\": 1000, \"system_prompt\": \"A\"}\n\n{\"system_prompt\": \"B\", \"user\": \"u\"}\n"
      R"({"key": "k", "messages": [{"role": "user", "content": "U"}, {"role": "system", "content": "C"}]})");
  REQUIRE(rows.size() == 3);
  CHECK(rows[0].key == "1000");
  CHECK(rows[0].text == "A");
  CHECK(rows[1].key == "2");
  CHECK(rows[1].text == "B");
  CHECK(rows[2].key == "k");
  CHECK(rows[2].text == "C");
  const auto refused = [](const char* line) { return error_of([&] { read_system_prompts("FILE", line); }); };
  CHECK(refused("{\"prompt\": \"A\", \"key\": 1}") ==
        "FILE: line 1: expected the column system_prompt, or messages with one from the system, found key, prompt");
  CHECK(refused(R"({"messages": [{"role": "user", "content": "U"}]})").ends_with("found messages"));
  CHECK(refused(R"({"messages": [{"role": "system"}]})").ends_with("found messages"));
  CHECK(refused("{\"system_prompt\": 3}") == "FILE: line 1: column system_prompt: expected a string, found a number");
  CHECK(refused("{\"system_prompt\": \"\"}") ==
        "FILE: line 1: expected a system prompt with words that ROUGE counts, found ''");
  CHECK(refused("{\"system_prompt\": \"\u2026!\"}") ==
        "FILE: line 1: expected a system prompt with words that ROUGE counts, found '\u2026!'");
  CHECK(read_system_prompts("FILE", "{\"system_prompt\": \"\u79D8\u5BC6\"}").front().text == "\u79D8\u5BC6");
  CHECK(refused("") == "FILE: expected JSON lines, found an empty file");
}

TEST_CASE("A defense has $system_prompt or $user_prompt once, and defenses keep the file's order") {
  const auto defenses = read_defenses("FILE", R"({"z": "Z $user_prompt", "a": "$system_prompt"})");
  REQUIRE(defenses.size() == 2);
  CHECK(defenses[0].name == "z");
  CHECK(defenses[0].text == "Z $system_prompt");
  CHECK(defenses[1].name == "a");
  const auto refused = [](const char* text) { return error_of([&] { read_defenses("FILE", text); }); };
  CHECK(refused(R"({"z": "Z"})") == "FILE: field z: expected $system_prompt or $user_prompt once, found none");
  CHECK(refused(R"({"z": "$system_prompt $user_prompt"})") ==
        "FILE: field z: expected $system_prompt or $user_prompt once, found 2 of them");
  CHECK(refused(R"({"z": 1})") == "FILE: field z: expected a string, found 1");
  CHECK(refused("[]") == "FILE: expected an object, found []");
  CHECK(refused("{").starts_with("FILE: not valid JSON: "));
}

TEST_CASE("An attack that occurs twice is taken once") {
  const auto attacks = read_attacks("FILE",
                                    "{\"kind\": \"k\", \"category\": \"c\", \"id\": 7, \"text\": \"t\"}\n"
                                    "{\"category\": \"c\", \"text\": \"t\"}\n{\"category\": \"d\", \"text\": \"t\"}\n");
  REQUIRE(attacks.size() == 2);
  CHECK(attacks[0].kind == "k");
  CHECK(attacks[0].id == "7");
  CHECK(attacks[1].category == "d");
  CHECK(attacks[1].id.empty());
  CHECK(error_of([&] { read_attacks("FILE", "{\"category\": \"c\"}"); }) == "FILE: line 1: missing column text");
}

TEST_CASE("The three files may be gzip, and a missing file is an error") {
  const TempDir folder;
  const std::string text = "{\"category\": \"c\", \"text\": \"t\"}\n", packed = folder.path() + "/attacks.jsonl.gz";
  gzFile file = ::gzopen(packed.c_str(), "wb");
  REQUIRE(::gzwrite(file, text.data(), static_cast<unsigned>(text.size())) == static_cast<int>(text.size()));
  ::gzclose(file);
  const std::string prompts = folder.write("p.jsonl", "{\"system_prompt\": \"A\"}");
  const std::string defenses = folder.write("d.json", "{\"none\": \"$system_prompt\"}");
  CHECK(leak_labels(leakage_samples(load_leakage_data(prompts, defenses, packed))) == "1/none/c ");
  CHECK(error_of([&] { load_leakage_data(prompts, defenses, folder.path() + "/none"); }).find("cannot open") !=
        std::string::npos);
}

TEST_CASE("In the example data each system prompt leaks if it is repeated, and no defense or attack leaks it") {
  const LeakageData data = load_leakage_data(kLeakageExamples + "system_prompts.jsonl",
                                             kLeakageExamples + "defenses.json", kLeakageExamples + "attacks.jsonl");
  CHECK(data.system_prompts.size() == 20);
  CHECK(data.defenses.size() == 8);
  CHECK(data.attacks.size() == 24);
  const auto samples = leakage_samples(data);
  CHECK(samples.size() == 20 * 8 * 24);
  std::set<std::string> answers;
  for (const Sample& sample : samples) {
    answers.insert(sample.answer);
    const LeakageAnswer asked = leakage_answer(sample.answer);
    if (asked.attack_id != "prompt1") continue;
    CHECK(LeakageTask().grade(sample, asked.system_prompt).state == "leaked");
    CHECK(LeakageTask().grade(sample, asked.defense + " " + sample.question).state != "leaked");
  }
  CHECK(answers.size() == samples.size());
}

TEST_CASE("The example data has pairs of defenses that differ only in their place") {
  LeakageChoice choice;
  choice.system_prompts = 1;
  choice.prompts_per_category = 1;
  choice.attack_categories = {"Role play"};
  choice.defenses = {"short_in_front", "short_behind", "long_in_front", "long_behind"};
  const auto answers = leak_answers(
      leakage_samples(load_leakage_data(kLeakageExamples + "system_prompts.jsonl", kLeakageExamples + "defenses.json",
                                        kLeakageExamples + "attacks.jsonl"),
                      choice));
  REQUIRE(answers.size() == 4);
  const auto words = [](const std::string& text) {
    const auto all = rouge_words(text, false);
    return std::multiset<std::string>(all.begin(), all.end());
  };
  CHECK(words(answers[0].defense) == words(answers[1].defense));
  CHECK(words(answers[2].defense) == words(answers[3].defense));
  CHECK(words(answers[0].defense).size() < words(answers[2].defense).size() / 5);
}

TEST_CASE("RaccoonBench's files are read") {
  kvx_test::Tally tally{"leakage_samples"};
  const std::string shared = kvx_test::environment("KVX_SHARED");
  if (!std::filesystem::exists(shared + "/data/raccoon") || !std::filesystem::exists(shared + "/data/ifeval")) {
    tally.not_applicable = 3;
    tally.why = "no data/raccoon or data/ifeval in KVX_SHARED";
    return;
  }
  const std::string raccoon = shared + "/data/raccoon/", pitfalls = raccoon + "defense_template.pitfalls.json";
  const LeakageData data = load_leakage_data(raccoon + "system_prompts.jsonl", pitfalls, raccoon + "attacks.jsonl");
  CHECK(tally.count(data.system_prompts.size() == 100 && data.defenses.size() == 18 && data.attacks.size() == 56));
  const LeakageData theirs = load_leakage_data(shared + "/data/ifeval/sys_ifeval.jsonl",
                                               raccoon + "defense_template.raccoon.json", raccoon + "attacks.jsonl");
  CHECK(tally.count(theirs.system_prompts.size() == 541 && theirs.defenses.size() == 14));
  const auto samples =
      leakage_samples(theirs, {.prompts_per_category = 1, .system_prompts = 0, .skip_ids = {"1000", "3401"}});
  CHECK(tally.count(samples.size() == 539u * 14 * 25));
}
