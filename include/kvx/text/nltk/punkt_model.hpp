#pragma once

#include <kvx/core/error.hpp>
#include <kvx/io/json/json.hpp>
#include <kvx/io/text_file.hpp>
#include <kvx/text/code_points.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace kvx::inline v0 {

/// A model of a language for Punkt. Words are in lower case and without a period at their end; each number is
/// `##number##`.
struct PunktModel {
  /// Bits of `contexts`: in which case a word was seen, and where in a sentence.
  enum Context : unsigned {
    middle_upper = 1 << 2,
    any_upper = 1 << 1 | 1 << 2 | 1 << 3,
    begin_lower = 1 << 4,
    any_lower = 1 << 4 | 1 << 5 | 1 << 6
  };

  std::unordered_set<std::u32string> abbreviations, starters;  ///< starters: words that often begin a sentence
  /// Pairs of words with `\t` between them. A period after the first word does not end a sentence.
  std::unordered_set<std::u32string> collocations;
  std::unordered_map<std::u32string, unsigned> contexts;

  unsigned contexts_of(const std::u32string& word) const {
    const auto found = contexts.find(word);
    return found == contexts.end() ? 0 : found->second;
  }
};

/// Reads a plain or gzip file with a model. Each line is an entry: its kind, then words and numbers, separated by tabs.
/// Throws Error, naming the line, for anything else.
inline PunktModel load_punkt_model(const std::string& path) {
  const std::string text = read_text_file(path);
  PunktModel model;
  std::size_t number = 0;
  for (std::string_view rest = text; !rest.empty();) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    ++number;
    std::vector<std::string_view> fields;
    for (std::size_t pos = 0; pos <= line.size();) {
      const std::size_t end = std::min(line.find('\t', pos), line.size());
      fields.push_back(line.substr(pos, end - pos));
      pos = end + 1;
    }
    const auto field = [&](std::size_t i) { return code_points(fields[i]); };
    if (fields.size() == 2 && fields[0] == "abbreviation") {
      model.abbreviations.insert(field(1));
    } else if (fields.size() == 2 && fields[0] == "starter") {
      model.starters.insert(field(1));
    } else if (fields.size() == 3 && fields[0] == "collocation") {
      model.collocations.insert(field(1) + U'\t' + field(2));
    } else if (fields.size() == 3 && fields[0] == "context" && !fields[2].empty() && fields[2].size() <= 3 &&
               fields[2].find_first_not_of("0123456789") == fields[2].npos) {
      model.contexts[field(1)] = static_cast<unsigned>(std::stoul(std::string(fields[2])));
    } else {
      throw Error(path + ": line " + std::to_string(number),
                  "expected an entry of a Punkt model, found " + detail::shortened(line, 60));
    }
  }
  if (model.abbreviations.empty()) throw Error(path, "expected a Punkt model with abbreviations, found none");
  return model;
}

}  // namespace kvx::inline v0
