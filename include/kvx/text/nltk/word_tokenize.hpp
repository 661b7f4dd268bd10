#pragma once

#include <kvx/text/code_points.hpp>
#include <kvx/text/nltk/punkt.hpp>
#include <kvx/text/python/python_regex.hpp>
#include <kvx/text/python/python_words.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// Splits English text into words and punctuation: sentence by sentence with the rules of the Penn Treebank, like NLTK
/// 3.10's word_tokenize. `can't` becomes `ca` and `n't`.
class WordTokenizer {
 public:
  WordTokenizer() {
    const auto add = [](std::vector<Rule>& rules, std::string_view pattern, std::string replacement) {
      rules.push_back({PythonRegex(pattern, PythonRegex::case_sensitive, "word_tokenize"), std::move(replacement)});
    };
    // Opening quotes: after a blank or a bracket, and at the beginning.
    add(rules_, "([\u00AB\u201C\u2018\u201E]|`+)", " $1 ");
    add(rules_, "^\"", "``");
    add(rules_, "``", " $0 ");
    add(rules_, "([ (\\[{<])(?:\"|'')", "$1 `` ");
    add(rules_, "(?<!\\w)'(?!(?i:re|ve|ll|m|t|s|d|n)\\b)(?=\\w)", "' ");
    // The period that ends the sentence becomes a word. Other periods stay with their word.
    add(rules_, "([^.])\\.([\\])}>\"' \u00BB\u201D\u2019]*+)\\s*$", "$1 . $2 ");
    add(rules_, "([:,])(\\D)", " $1 $2");
    add(rules_, "[:,]$", " $0 ");
    add(rules_, "\\.{2,}", " $0 ");
    add(rules_, "[;@#$%&\u2012-\u2015]", " $0 ");
    add(rules_, "([^.])\\.([\\])}>\"']*)\\s*$", "$1 .$2 ");
    add(rules_, "[?!]", " $0 ");
    add(rules_, "([^'])' ", "$1 ' ");
    add(rules_, "[*\\[\\](){}<>]|--", " $0 ");
    // Closing quotes and contractions.
    add(closing_rules_, "[\u00BB\u201D\u2019]|''", " $0 ");
    add(closing_rules_, "\"", " '' ");
    add(closing_rules_, "\\s+", " ");
    add(closing_rules_, "([^' ])('[sSmMdD]?) ", "$1 $2 ");
    add(closing_rules_, "([^' ])('ll|'LL|'re|'RE|'ve|'VE|n't|N'T) ", "$1 $2 ");
    for (const char* pattern : {"(can)(not)\\b", "(d)('ye)\\b", "(gim)(me)\\b", "(gon)(na)\\b", "(got)(ta)\\b",
                                "(lem)(me)\\b", "(more)('n)\\b", "(wan)(na)(?=\\s)"})
      add(closing_rules_, std::string("\\b(?i)") + pattern, " $1 $2 ");
    add(closing_rules_, "(?i) ('t)(is|was)\\b", " $1 $2 ");
  }

  /// The words of `text`. Throws Error if a match takes too many steps.
  std::vector<std::u32string> words(const Punkt& punkt, std::u32string_view text) const {
    std::vector<std::u32string> words;
    for (const auto sentence : punkt.sentences(text)) {
      const std::u32string spaced =
          code_points(applied(closing_rules_, " " + applied(rules_, utf8_of(sentence)) + " "));
      for (const auto word : python_split(spaced)) words.emplace_back(word);
    }
    return words;
  }

 private:
  /// A pattern and its replacement.
  struct Rule {
    PythonRegex pattern;
    std::string replacement;
  };

  static std::string applied(const std::vector<Rule>& rules, std::string text) {
    for (const Rule& rule : rules) text = rule.pattern.replaced(text, rule.replacement);
    return text;
  }

  std::vector<Rule> rules_, closing_rules_;
};

}  // namespace kvx::inline v0
