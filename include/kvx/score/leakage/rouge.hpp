#pragma once

#include <kvx/score/common_subsequence.hpp>
#include <kvx/text/nltk/porter_stemmer.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// How much of a prediction is in the target (precision), and how much of the target is in the prediction (recall); f
/// is their harmonic mean.
struct Rouge {
  double precision = 0, recall = 0, f = 0;
};

/// The scores of single words, of pairs of neighbors, and of the longest common subsequence of words.
struct RougeScores {
  Rouge rouge1, rouge2, rouge_l;
};

/// The words that ROUGE compares: runs of the letters a to z, in lower case, and digits; other characters separate
/// words. With `stem`, words of four or more characters are replaced by their porter_stem().
inline std::vector<std::string> rouge_words(std::string_view text, bool stem) {
  constexpr std::string_view kKelvin = "\u212A", kDottedI = "\u0130";  // the only others whose lower case has a to z
  std::vector<std::string> words;
  std::string word;
  const auto end_word = [&] {
    if (!word.empty()) words.push_back(stem && word.size() > 3 ? porter_stem(word) : word);
    word.clear();
  };
  for (std::size_t pos = 0; pos < text.size(); ++pos) {
    const char c = text[pos];
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
      word += c;
    } else if (c >= 'A' && c <= 'Z') {
      word += static_cast<char>(c - 'A' + 'a');
    } else if (text.substr(pos).starts_with(kKelvin)) {
      word += 'k';
      pos += kKelvin.size() - 1;
    } else if (text.substr(pos).starts_with(kDottedI)) {
      word += 'i';
      pos += kDottedI.size() - 1;
      end_word();  // the dot of its lower case is a separate character
    } else {
      end_word();
    }
  }
  end_word();
  return words;
}
/// rouge_words() with stems, for RougeTarget.
inline std::vector<std::string> rouge_stems(std::string_view text) { return rouge_words(text, true); }

namespace detail {

/// Numbers words: equal words have the same number.
class WordNumbers {
 public:
  std::u32string operator()(std::string_view text, bool stem) { return numbers_of(rouge_words(text, stem)); }

  std::u32string numbers_of(const std::vector<std::string>& words) {
    std::u32string numbers;
    for (const std::string& word : words)
      numbers += numbers_.try_emplace(word, static_cast<char32_t>(numbers_.size())).first->second;
    return numbers;
  }

  /// The same, but all words that have no number yet get the same one, which no other word has.
  std::u32string known_numbers_of(const std::vector<std::string>& words) const {
    constexpr char32_t kUnknown = ~char32_t{0};
    std::u32string numbers;
    for (const std::string& word : words) {
      const auto known = numbers_.find(word);
      numbers += known == numbers_.end() ? kUnknown : known->second;
    }
    return numbers;
  }

 private:
  std::unordered_map<std::string, char32_t> numbers_;
};

inline Rouge rouge_of(std::size_t common, std::size_t target, std::size_t prediction) {
  Rouge result;
  result.precision = static_cast<double>(common) / static_cast<double>(std::max<std::size_t>(prediction, 1));
  result.recall = static_cast<double>(common) / static_cast<double>(std::max<std::size_t>(target, 1));
  if (common > 0) result.f = 2 * result.precision * result.recall / (result.precision + result.recall);
  return result;
}

inline Rouge rouge_n(std::u32string_view target, std::u32string_view prediction, std::size_t n) {
  std::unordered_map<std::uint64_t, std::size_t> left;  // of the target, not yet found in the prediction
  const auto each = [n](std::u32string_view words, auto&& f) {
    for (std::size_t end = n; end <= words.size(); ++end) {
      std::uint64_t pair = words[end - 1];
      if (n == 2) pair |= std::uint64_t{words[end - 2]} << 32;
      f(pair);
    }
    return words.size() < n ? 0 : words.size() - n + 1;
  };
  std::size_t common = 0;
  const std::size_t target_count = each(target, [&](std::uint64_t words) { ++left[words]; });
  const std::size_t prediction_count = each(prediction, [&](std::uint64_t words) {
    const auto match = left.find(words);
    if (match == left.end() || match->second == 0) return;
    --match->second;
    ++common;
  });
  return rouge_of(common, target_count, prediction_count);
}

}  // namespace detail

/// A text with which any number of predictions are compared. It is split into words only once. ROUGE as in rouge-score
/// 0.1.2: Lin, "ROUGE: A Package for Automatic Evaluation of Summaries" (ACL 2004). A text without words scores 0, even
/// against itself.
class RougeTarget {
 public:
  /// Splits a text into the words that are compared.
  using Split = std::vector<std::string> (*)(std::string_view);

  /// With rouge_stems(), the scores are those of rouge-score with stems; with unicode_words(), texts in other scripts
  /// are compared, too, in which rouge-score finds no words.
  RougeTarget(std::string_view target, Split split) : split_(split), target_(numbers_.numbers_of(split(target))) {}

  RougeScores scores(std::string_view prediction) const {
    // Words that the target lacks match nothing, so they need not differ from each other.
    const std::u32string words = numbers_.known_numbers_of(split_(prediction));
    return {detail::rouge_n(target_, words, 1), detail::rouge_n(target_, words, 2),
            detail::rouge_of(common_subsequence_length(target_, words), target_.size(), words.size())};
  }

 private:
  Split split_;
  detail::WordNumbers numbers_;
  std::u32string target_;
};

/// The scores of one prediction; see RougeTarget.
inline RougeScores rouge(std::string_view target, std::string_view prediction, bool stem) {
  constexpr RougeTarget::Split kWords = [](std::string_view text) { return rouge_words(text, false); };
  return RougeTarget(target, stem ? rouge_stems : kWords).scores(prediction);
}

/// rougeLsum, also as in rouge-score: counts the words of each line of the target that are in its longest common
/// subsequence with any line of the prediction, but no word more often than either text has it. Time grows with the
/// product of the lengths.
inline Rouge rouge_l_sum(std::string_view target, std::string_view prediction, bool stem) {
  detail::WordNumbers numbers;
  const auto lines_of = [&](std::string_view text) {
    std::vector<std::u32string> lines;
    for (std::size_t pos = 0; pos <= text.size();) {
      const std::size_t end = std::min(text.find('\n', pos), text.size());
      if (auto line = numbers(text.substr(pos, end - pos), stem); !line.empty()) lines.push_back(std::move(line));
      pos = end + 1;
    }
    return lines;
  };
  const std::vector<std::u32string> target_lines = lines_of(target), prediction_lines = lines_of(prediction);
  std::unordered_map<char32_t, std::size_t> left;  // of the prediction, not yet counted
  std::size_t target_words = 0, prediction_words = 0, common = 0;
  for (const std::u32string& line : prediction_lines) {
    prediction_words += line.size();
    for (const char32_t word : line) ++left[word];
  }
  for (const std::u32string& line : target_lines) {
    target_words += line.size();
    std::vector<bool> shared(line.size());
    for (const std::u32string& other : prediction_lines)
      for (const std::size_t index : common_subsequence_places(line, other)) shared[index] = true;
    for (std::size_t i = 0; i < line.size(); ++i)
      if (shared[i] && left[line[i]] > 0) {
        --left[line[i]];
        ++common;
      }
  }
  return detail::rouge_of(common, target_words, prediction_words);
}

}  // namespace kvx::inline v0
