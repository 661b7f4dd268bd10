#pragma once

#include <kvx/core/error.hpp>
#include <kvx/text/langdetect/detect_language.hpp>
#include <kvx/text/nltk/punkt.hpp>
#include <kvx/text/nltk/punkt_model.hpp>
#include <kvx/text/nltk/word_tokenize.hpp>

#include <mutex>
#include <optional>
#include <string>
#include <utility>

namespace kvx::inline v0 {

/// The models that some instructions need, read from a folder at their first use. Several threads may use them. Throws
/// Error, naming the file, if it cannot be read.
class InstructionResources {
 public:
  explicit InstructionResources(std::string folder) : folder_(std::move(folder)) {}

  const Punkt& punkt() const {
    std::call_once(punkt_once_, [this] { punkt_.emplace(load_punkt_model(path("punkt_english.txt.gz"))); });
    return *punkt_;
  }
  const WordTokenizer& word_tokenizer() const {
    std::call_once(words_once_, [this] { words_.emplace(); });
    return *words_;
  }
  const LanguageDetector& languages() const {
    std::call_once(languages_once_, [this] { languages_.emplace(path("language_profiles.txt.gz")); });
    return *languages_;
  }

 private:
  std::string path(const char* name) const {
    if (folder_.empty()) throw Error("ifeval-models", "expected a folder, found none");
    return folder_ + "/" + name;
  }

  std::string folder_;
  mutable std::once_flag punkt_once_, words_once_, languages_once_;
  mutable std::optional<Punkt> punkt_;
  mutable std::optional<WordTokenizer> words_;
  mutable std::optional<LanguageDetector> languages_;
};

}  // namespace kvx::inline v0
