#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace kvx::inline v0 {

namespace detail {

/// A word from which the steps of the algorithm remove endings, one step after the other.
class PorterWord {
 public:
  explicit PorterWord(std::string_view word) : word_(word) {}

  const std::string& text() const { return word_; }

  void plural() {
    if (ends("ies"))
      cut(word_.size() == 4 ? 1 : 2);
    else if (ends("sses"))
      cut(2);
    else if (ends("s") && !ends("ss"))
      cut(1);
  }

  void past_and_participle() {
    if (ends("ied")) return cut(word_.size() == 4 ? 1 : 2);
    if (ends("eed")) {
      if (measure(stem(3)) > 0) cut(1);
      return;
    }
    const std::size_t ending = ends("ed") ? 2 : ends("ing") ? 3 : 0;
    if (ending == 0 || !has_vowel(stem(ending))) return;
    cut(ending);
    if (ends("at") || ends("bl") || ends("iz")) {
      word_ += 'e';
    } else if (ends_in_double_consonant()) {
      if (std::string_view("lsz").find(word_.back()) == std::string_view::npos) cut(1);
    } else if (measure(word_) == 1 && ends_short(word_)) {
      word_ += 'e';
    }
  }

  /// Replaces a y at the end by an i. NLTK: if it follows a consonant and the word has more than two letters. Porter
  /// requires a vowel before the y instead.
  void last_y() {
    if (word_.size() > 2 && ends("y") && is_consonant(stem(1), word_.size() - 2)) word_.back() = 'i';
  }

  void double_suffix() {
    static constexpr std::array<Rule, 20> kRules = {
        {{"ational", "ate"}, {"tional", "tion"}, {"enci", "ence"}, {"anci", "ance"},   {"izer", "ize"},
         {"bli", "ble"},     {"entli", "ent"},   {"eli", "e"},     {"ousli", "ous"},   {"ization", "ize"},
         {"ation", "ate"},   {"ator", "ate"},    {"alism", "al"},  {"iveness", "ive"}, {"fulness", "ful"},
         {"ousness", "ous"}, {"aliti", "al"},    {"iviti", "ive"}, {"biliti", "ble"},  {"fulli", "ful"}}};
    if (ends("alli")) {  // NLTK: the rest may end in another of these
      if (measure(stem(4)) == 0) return;
      cut(2);
    }
    if (ends("logi")) {  // NLTK: the l is part of the stem
      if (measure(stem(3)) > 0) cut(1);
    } else {
      replace_first(kRules);
    }
  }

  void adjective_and_noun() {
    static constexpr std::array<Rule, 7> kRules = {
        {{"icate", "ic"}, {"ative", ""}, {"alize", "al"}, {"iciti", "ic"}, {"ical", "ic"}, {"ful", ""}, {"ness", ""}}};
    replace_first(kRules);
  }

  void last_suffix() {
    static constexpr std::array<std::string_view, 18> kEndings = {"al",   "ance", "ence",  "er",   "ic",  "able",
                                                                  "ible", "ant",  "ement", "ment", "ent", "ou",
                                                                  "ism",  "ate",  "iti",   "ous",  "ive", "ize"};
    if (ends("sion") || ends("tion")) {  // only `ion` is removed
      if (measure(stem(3)) > 1) cut(3);
      return;
    }
    const auto found =
        std::find_if(kEndings.begin(), kEndings.end(), [&](std::string_view ending) { return ends(ending); });
    if (found != kEndings.end() && measure(stem(found->size())) > 1) cut(found->size());
  }

  void last_e_and_l() {
    if (ends("e")) {
      const std::size_t measured = measure(stem(1));
      if (measured > 1 || (measured == 1 && !ends_short(stem(1)))) cut(1);
    }
    if (ends("ll") && measure(stem(1)) > 1) cut(1);
  }

 private:
  struct Rule {
    std::string_view ending, replacement;
  };

  bool ends(std::string_view ending) const { return word_.ends_with(ending); }
  /// The word without its last `count` characters.
  std::string_view stem(std::size_t count) const { return std::string_view(word_).substr(0, word_.size() - count); }
  void cut(std::size_t count) { word_.resize(word_.size() - count); }

  /// Applies the first rule whose ending the word has, if the measure of the stem before the ending is at least 1.
  void replace_first(std::span<const Rule> rules) {
    const auto rule =
        std::find_if(rules.begin(), rules.end(), [&](const Rule& candidate) { return ends(candidate.ending); });
    if (rule == rules.end() || measure(stem(rule->ending.size())) == 0) return;
    cut(rule->ending.size());
    word_ += rule->replacement;
  }

  static bool is_vowel_letter(char c) { return std::string_view("aeiou").find(c) != std::string_view::npos; }

  /// Calls f(is consonant) for each character. A y is a consonant at the beginning and after a vowel.
  template <class F>
  static void each_sound(std::string_view text, F&& f) {
    bool consonant = false;
    for (const char c : text) {
      consonant = c == 'y' ? !consonant : !is_vowel_letter(c);
      f(consonant);
    }
  }
  static bool is_consonant(std::string_view text, std::size_t pos) {
    bool last = false;
    each_sound(text.substr(0, pos + 1), [&](bool consonant) { last = consonant; });
    return last;
  }
  static bool has_vowel(std::string_view text) {
    bool found = false;
    each_sound(text, [&](bool consonant) { found |= !consonant; });
    return found;
  }
  /// Porter's measure of a stem: how often a consonant follows a vowel.
  static std::size_t measure(std::string_view text) {
    std::size_t count = 0;
    bool after_vowel = false;
    each_sound(text, [&](bool consonant) {
      count += consonant && after_vowel;
      after_vowel = !consonant;
    });
    return count;
  }

  bool ends_in_double_consonant() const {
    const std::size_t size = word_.size();
    return size >= 2 && word_[size - 1] == word_[size - 2] && is_consonant(word_, size - 1);
  }
  /// Whether `text` ends in a consonant, a vowel and a consonant other than w, x, y. NLTK: or is a vowel and a
  /// consonant.
  static bool ends_short(std::string_view text) {
    const std::size_t size = text.size();
    if (size < 2 || is_consonant(text, size - 2) || !is_consonant(text, size - 1)) return false;
    if (size == 2) return true;
    return is_consonant(text, size - 3) && std::string_view("wxy").find(text.back()) == std::string_view::npos;
  }

  std::string word_;
};

}  // namespace detail

/// The stem of an English word in lower case: "relational" and "relate" are both `relat`. The same as with NLTK's
/// PorterStemmer in its mode NLTK_EXTENSIONS, which differs from Porter, "An algorithm for suffix stripping", Program
/// 14.3 (1980), in the steps whose comments say NLTK. Characters other than a to z are consonants.
inline std::string porter_stem(std::string_view word) {
  static constexpr std::array<std::string_view, 9> kStems = {"sky",  "news",    "inning", "outing", "canning",
                                                             "howe", "proceed", "exceed", "succeed"};
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kIrregular = {
      {{"skies", "sky"},
       {"dying", "die"},
       {"lying", "lie"},
       {"tying", "tie"},
       {"innings", "inning"},
       {"outings", "outing"},
       {"cannings", "canning"}}};
  if (word.size() <= 2 || std::find(kStems.begin(), kStems.end(), word) != kStems.end()) return std::string(word);
  for (const auto& [irregular, stem] : kIrregular)
    if (word == irregular) return std::string(stem);
  detail::PorterWord stem(word);
  stem.plural();
  stem.past_and_participle();
  stem.last_y();
  stem.double_suffix();
  stem.adjective_and_noun();
  stem.last_suffix();
  stem.last_e_and_l();
  return stem.text();
}

}  // namespace kvx::inline v0
