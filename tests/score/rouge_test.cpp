#include <kvx/io/json/json.hpp>
#include <kvx/score/common_subsequence.hpp>
#include <kvx/score/leakage/rouge.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/json_of.hpp"
#include "support/reference.hpp"

using namespace kvx;

namespace {
bool rouge_equals(const Rouge& found, const JsonValue& wanted) {
  const auto same = [&](double value, const char* name) {
    const double expected = wanted.at(name).number();
    return std::abs(value - expected) <= 1e-12 * expected;
  };
  return same(found.precision, "p") && same(found.recall, "r") && same(found.f, "f");
}

std::u32string random_rouge_tokens(std::mt19937& random, std::size_t max_size, char32_t alphabet) {
  std::u32string tokens(random() % (max_size + 1), U'\0');
  for (char32_t& token : tokens) token = static_cast<char32_t>(random() % alphabet);
  return tokens;
}

/// The positions in `a`, from the whole table, which is read from its end.
std::vector<std::size_t> rouge_positions_by_table(const std::u32string& a, const std::u32string& b) {
  std::vector<std::vector<std::size_t>> table(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 1; i <= a.size(); ++i)
    for (std::size_t j = 1; j <= b.size(); ++j)
      table[i][j] = a[i - 1] == b[j - 1] ? table[i - 1][j - 1] + 1 : std::max(table[i - 1][j], table[i][j - 1]);
  std::vector<std::size_t> positions;
  for (std::size_t i = a.size(), j = b.size(); i > 0 && j > 0;) {
    if (a[i - 1] == b[j - 1]) {
      positions.insert(positions.begin(), --i);
      --j;
    } else if (table[i][j - 1] > table[i - 1][j]) {
      --j;
    } else {
      --i;
    }
  }
  return positions;
}
}  // namespace

TEST_CASE("ROUGE scores equal rouge-score's") {
  kvx_test::Tally tally{"rouge"};
  const kvx_test::Reference reference(KVX_SOURCE_DIR "/tests/data/leakage/rouge.jsonl", "data/raccoon/rouge.jsonl");
  kvx_test::each_row(reference.path, [&](const JsonValue& row) {
    const std::string_view target = row.at("target").string(), prediction = row.at("prediction").string();
    CAPTURE(target);
    CAPTURE(prediction);
    for (const bool stem : {false, true}) {
      const JsonValue wanted = row.at(stem ? "stem" : "nostem");
      const RougeScores scores = rouge(target, prediction, stem);
      CHECK(tally.count(rouge_equals(scores.rouge1, wanted.at("rouge1"))));
      CHECK(tally.count(rouge_equals(scores.rouge2, wanted.at("rouge2"))));
      CHECK(tally.count(rouge_equals(scores.rouge_l, wanted.at("rougeL"))));
      CHECK(tally.count(rouge_equals(rouge_l_sum(target, prediction, stem), wanted.at("rougeLsum"))));
    }
  });
  CHECK(tally.cases >= reference.at_least(8 * 80));
}

TEST_CASE("Words are runs of a to z and digits; only long ones have stems") {
  using Words = std::vector<std::string>;
  CHECK(rouge_words("Don't ADD 1,000 snake_case", false) == Words{"don", "t", "add", "1", "000", "snake", "case"});
  CHECK(rouge_words("caf\u00e9s \u4f60\u597d \u00c5a", false) == Words{"caf", "s", "a"});
  CHECK(rouge_words("\u212Aelvin \u0130stanbul", false) == Words{"kelvin", "i", "stanbul"});
  CHECK(rouge_words("\u212B\u0131z \xff\xe2\x84x\xc4", false) == Words{"z", "x"});
  CHECK(rouge_words("was Runs ran sixes", true) == Words{"was", "run", "ran", "six"});
  CHECK(rouge_words(" \n", true).empty());
}

TEST_CASE("The order of words counts for rougeL, their neighbors for rouge2") {
  const RougeScores scores = rouge("the code is seven four", "four seven is the code", false);
  CHECK(scores.rouge1.recall == 1);
  CHECK(scores.rouge2.recall == 0.25);
  CHECK(scores.rouge_l.recall == 0.4);
  const RougeScores longer = rouge("a b", "x a x b x x x x", false);
  CHECK(longer.rouge_l.recall == 1);
  CHECK(longer.rouge_l.precision == 0.25);
  CHECK(longer.rouge_l.f == 0.4);
  CHECK(longer.rouge2.f == 0);
  CHECK(rouge("a a a", "a", false).rouge1.recall == doctest::Approx(1.0 / 3));
}

TEST_CASE("rougeLsum combines the words that several lines share with one line, as in Lin's example") {
  CHECK(rouge_l_sum("w1 w2 w3 w4 w5", "w1 w2 w6 w7 w8\nw1 w3 w8 w9 w5", false).recall == 0.8);
  CHECK(rouge_l_sum("a b\nc d", "c d\n\na b\r\n", false).f == 1);
  CHECK(rouge("a b\nc d", "c d\n\na b\r\n", false).rouge_l.f == 0.5);
  CHECK(rouge_l_sum("a\na", "a\nb", false).recall == 0.5);  // one a is not counted twice
}

TEST_CASE("A text without words scores 0") {
  for (const auto& [target, prediction] : {std::pair("", ""), {"a", ""}, {"", "a"}, {"\u4f60\u597d", "\u4f60\u597d"}}) {
    const RougeScores scores = rouge(target, prediction, true);
    const Rouge lines = rouge_l_sum(target, prediction, true);
    for (const Rouge& score : {scores.rouge1, scores.rouge2, scores.rouge_l, lines}) {
      CHECK(score.precision == 0);
      CHECK(score.recall == 0);
      CHECK(score.f == 0);
    }
  }
}

TEST_CASE("Common subsequences equal those of the whole table, also across stripes") {
  std::mt19937 random(5);
  kvx_test::Tally tally{"common_subsequence"};
  for (int round = 0; round < 600; ++round) {
    const char32_t alphabet = 1 + static_cast<char32_t>(random() % 12);
    const std::u32string a = random_rouge_tokens(random, 200, alphabet), b = random_rouge_tokens(random, 200, alphabet);
    const std::vector<std::size_t> positions = rouge_positions_by_table(a, b);
    CHECK(tally.count(common_subsequence_places(a, b) == positions &&
                      common_subsequence_length(a, b) == positions.size()));
  }
}

TEST_CASE("A long answer is scored quickly, and a longer one without a table") {
  const std::string prompt = repeated("keep code seven to yourself ", 400);
  CHECK(rouge(prompt, repeated("no ", 100000) + prompt, true).rouge_l.recall == 1);
  CHECK(rouge_l_sum(repeated("a ", 20000), repeated("b a ", 10000), false).recall == 0.5);
}
