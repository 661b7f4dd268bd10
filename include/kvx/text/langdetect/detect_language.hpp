#pragma once

#include <kvx/core/error.hpp>
#include <kvx/core/split_mix.hpp>
#include <kvx/io/json/json.hpp>
#include <kvx/io/text_file.hpp>
#include <kvx/text/code_points.hpp>
#include <kvx/text/langdetect/language_ngrams.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <unordered_map>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// Detects the language of a text by its n-grams, like langdetect 1.0.9. langdetect runs 7 trials, each of which draws
/// n-grams at random until one language is almost certain, and takes the mean; so its result for a short or mixed text
/// depends on its seed. Here the seed is fixed, so a text always gets the same language, and there are more trials, to
/// find the language that langdetect finds with most seeds. The smoothing does not vary from trial to trial.
class LanguageDetector {
 public:
  /// Reads a plain or gzip file of language profiles; examples/data/ifeval/README.md describes its format. Throws
  /// Error, naming the line, for anything else.
  explicit LanguageDetector(const std::string& path) {
    const std::string text = read_text_file(path);
    std::size_t number = 0;
    for (std::string_view rest = text; !rest.empty();) {
      const std::string_view line = rest.substr(0, rest.find('\n'));
      rest.remove_prefix(std::min(line.size() + 1, rest.size()));
      ++number;
      if (!read(line))
        throw Error(path + ": line " + std::to_string(number),
                    "expected n-grams of a language, found " + detail::shortened(line, 60));
    }
    if (languages_.size() < 2) throw Error(path, "expected profiles of several languages, found fewer");
  }

  /// The code of the most likely language, such as `en` or `zh-cn`; nullopt for a text without n-grams of any language.
  std::optional<std::string> language_of(std::u32string_view text) const {
    std::vector<const std::vector<NgramShare>*> ngrams;
    detail::each_ngram(detail::language_text(text), ideographs_, [&](detail::NgramKey key) {
      const auto found = ngrams_.find(key);
      if (found != ngrams_.end()) ngrams.push_back(&found->second);
    });
    if (ngrams.empty()) return std::nullopt;
    constexpr int kTrials = 70;
    SplitMix64 random(0);
    std::vector<double> sums(languages_.size());
    for (int trial = 0; trial < kTrials; ++trial) {
      const std::vector<double> likelihoods = draw(ngrams, random);
      for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += likelihoods[i];
    }
    return languages_[static_cast<std::size_t>(std::max_element(sums.begin(), sums.end()) - sums.begin())].code;
  }

 private:
  struct Language {
    std::string code;
    std::array<double, 3> counts;  // numbers of n-grams of one, two and three characters
  };
  struct NgramShare {
    std::uint32_t language;
    double share;  // fraction of the language's n-grams of that length
  };

  /// One trial: draws n-grams until one language is almost certain, and returns the probability of each language.
  std::vector<double> draw(const std::vector<const std::vector<NgramShare>*>& ngrams, SplitMix64& random) const {
    constexpr double kSmoothing = 0.5 / 10000, kCertain = 0.99999;
    constexpr int kMaxDraws = 1000;
    std::vector<double> likelihoods(languages_.size(), 1.0);
    for (int i = 0;; ++i) {
      const auto drawn = static_cast<std::size_t>(random.uniform() * static_cast<double>(ngrams.size()));
      for (const auto& [language, share] : *ngrams[drawn]) likelihoods[language] *= 1 + share / kSmoothing;
      if (i % 5 != 0) continue;
      const double sum = std::accumulate(likelihoods.begin(), likelihoods.end(), 0.0);
      for (double& likelihood : likelihoods) likelihood /= sum;
      if (i >= kMaxDraws || *std::max_element(likelihoods.begin(), likelihoods.end()) > kCertain) return likelihoods;
    }
  }

  /// Reads one line of a file of profiles; returns false if it is malformed.
  bool read(std::string_view line) {
    std::vector<std::string_view> fields;
    for (std::size_t pos = 0; pos <= line.size();) {
      const std::size_t end = std::min(line.find('\t', pos), line.size());
      fields.push_back(line.substr(pos, end - pos));
      pos = end + 1;
    }
    const auto number = [](std::string_view digits) {
      std::uint32_t value = 0;
      const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
      return code == std::errc() && end == digits.data() + digits.size() ? value : 0;
    };
    if (fields[0] == "ideographs" && fields.size() == 2) {
      const std::u32string characters = code_points(fields[1]);
      for (const char32_t c : characters) ideographs_[c] = characters.front();
      return true;
    }
    if (fields[0] == "language" && fields.size() == 5) {
      languages_.push_back({std::string(fields[1]), {}});
      for (std::size_t i = 0; i < 3; ++i) languages_.back().counts[i] = number(fields[2 + i]);
      return languages_.back().counts[0] > 0 && languages_.back().counts[1] > 0 && languages_.back().counts[2] > 0;
    }
    const double count = number(fields[0]);
    if (languages_.empty() || count == 0 || fields.size() < 2) return false;
    for (std::size_t i = 1; i < fields.size(); ++i) {
      const std::u32string ngram = code_points(fields[i]);
      if (ngram.empty() || ngram.size() > 3) return false;
      ngrams_[detail::ngram_key(ngram)].push_back(
          {static_cast<std::uint32_t>(languages_.size() - 1), count / languages_.back().counts[ngram.size() - 1]});
    }
    return true;
  }

  std::vector<Language> languages_;
  detail::IdeographClasses ideographs_;
  std::unordered_map<detail::NgramKey, std::vector<NgramShare>> ngrams_;
};

}  // namespace kvx::inline v0
