#pragma once

#include <kvx/text/nltk/punkt_model.hpp>
#include <kvx/text/nltk/punkt_token.hpp>
#include <kvx/text/nltk/punkt_words.hpp>
#include <kvx/text/python/python_case.hpp>
#include <kvx/text/python/python_character.hpp>
#include <kvx/text/python/python_words.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// Splits text into sentences, like NLTK 3.10: Kiss and Strunk, "Unsupervised Multilingual Sentence Boundary Detection"
/// (2006).
class Punkt {
 public:
  explicit Punkt(PunktModel model) : model_(std::move(model)) {}

  /// The sentences, each with the closing quotes and brackets that follow it, and without white space around it.
  std::vector<std::u32string_view> sentences(std::u32string_view text) const {
    std::vector<std::u32string_view> sentences;
    const auto add = [&](std::size_t begin, std::size_t end) {
      if (begin < end) sentences.push_back(text.substr(begin, end - begin));
    };
    const std::vector<Piece> pieces = cut(text);
    std::size_t taken = 0;  // the part of the piece that belongs to the sentence before it
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      const std::size_t begin = pieces[i].begin + taken;
      taken = 0;
      if (i + 1 == pieces.size()) {
        add(begin, pieces[i].end);
        break;
      }
      const auto next = text.substr(pieces[i + 1].begin, pieces[i + 1].end - pieces[i + 1].begin);
      const std::size_t closing = closing_length(next);
      add(begin, closing == 0 ? pieces[i].end : pieces[i + 1].begin + closing);
      if (closing > 0) {
        taken = closing;
        while (taken < next.size() && is_python_space(next[taken])) ++taken;
      }
    }
    return sentences;
  }

 private:
  struct Piece {
    std::size_t begin, end;
  };
  /// A place where a sentence may end: the character `mark` that would end it, the word before it, the word `next`
  /// after it, and the end of that word.
  struct Candidate {
    std::size_t word, mark, next, context_end;
  };
  enum class Beginning { yes, no, unknown };

  std::vector<Piece> cut(std::u32string_view text) const {
    std::vector<Piece> pieces;
    std::size_t begin = 0;
    const auto consider = [&](const Candidate& candidate) {
      if (!ends_sentence(text.substr(candidate.word, candidate.context_end - candidate.word))) return;
      pieces.push_back({begin, candidate.mark + 1});
      begin = candidate.next;
    };
    std::optional<Candidate> last;
    for (std::size_t mark = 0; mark < text.size(); ++mark) {
      if (detail::kSentenceEnds.find(text[mark]) == detail::kSentenceEnds.npos) continue;
      auto candidate = candidate_at(text, mark);
      if (!candidate) continue;
      candidate->word = word_before(text, mark, last);
      // If both are in one word, only the later one counts.
      if (last && last->mark <= candidate->word) consider(*last);
      last = candidate;
    }
    if (last) consider(*last);
    std::size_t end = text.size();
    while (end > 0 && is_python_space(text[end - 1])) --end;
    pieces.push_back({begin, end});
    return pieces;
  }

  static std::optional<Candidate> candidate_at(std::u32string_view text, std::size_t mark) {
    std::size_t next = mark + 1;
    if (next < text.size() && detail::is_punkt_closing(text[next])) return Candidate{0, mark, next, next + 1};
    while (next < text.size() && is_python_space(text[next])) ++next;
    if (next == mark + 1 || next == text.size()) return std::nullopt;
    std::size_t end = next;
    while (end < text.size() && !is_python_space(text[end])) ++end;
    return Candidate{0, mark, next, end};
  }

  /// The beginning of the word before `mark`, which may be the word of the candidate before.
  static std::size_t word_before(std::u32string_view text, std::size_t mark, const std::optional<Candidate>& last) {
    const std::size_t from = last ? last->mark : 0;
    const std::size_t blank = text.substr(from, mark - from).find_last_of(U" \t\n\r\v\f");
    if (blank != text.npos && blank > 0) return from + blank + 1;  // not a blank at the beginning of the text
    return last ? last->word : 0;
  }

  /// Whether a sentence ends in `context` before its last word.
  bool ends_sentence(std::u32string_view context) const {
    std::vector<detail::PunktToken> tokens;
    while (!context.empty()) {
      const std::u32string_view line = context.substr(0, context.find(U'\n'));
      for (const auto word : detail::punkt_words(line)) tokens.emplace_back(word);
      context.remove_prefix(std::min(line.size() + 1, context.size()));
    }
    for (detail::PunktToken& token : tokens) judge(token);
    for (std::size_t i = 0; i + 1 < tokens.size(); ++i) {
      judge_by_next(tokens[i], tokens[i + 1]);
      if (tokens[i].ends_sentence) return true;
    }
    return false;
  }

  /// Decides whether `token` ends a sentence, without the token that follows.
  void judge(detail::PunktToken& token) const {
    const std::u32string_view text = token.text;
    if (text.size() == 1 && detail::kSentenceEnds.find(text[0]) != detail::kSentenceEnds.npos) {
      token.ends_sentence = true;
    } else if (text.size() > 1 && text.find_first_not_of(U'.') == text.npos) {
      token.is_ellipsis = true;
    } else if (text.ends_with(U'.') && !text.ends_with(U"..")) {
      const std::u32string word = python_lower(text.substr(0, text.size() - 1));
      token.is_abbreviation =
          model_.abbreviations.contains(word) || model_.abbreviations.contains(word.substr(word.rfind(U'-') + 1));
      token.ends_sentence = !token.is_abbreviation;
    }
  }

  /// Decides again whether the period of `token` ends a sentence, by the token that follows.
  void judge_by_next(detail::PunktToken& token, const detail::PunktToken& next) const {
    if (!token.ends_with_period()) return;
    const std::u32string type = token.type_without_period(), next_type = next.type_in_context();
    const bool next_upper = is_python_upper(next.text.front());
    if (model_.collocations.contains(type + U'\t' + next_type)) {
      token.ends_sentence = false;
      return;
    }
    const Beginning beginning = begins_sentence(next);
    if ((token.is_abbreviation || token.is_ellipsis) && !token.is_initial() &&
        (beginning == Beginning::yes || (next_upper && model_.starters.contains(next_type)))) {
      token.ends_sentence = true;
      return;
    }
    if (!token.is_initial() && type != U"##number##") return;
    const bool is_name =
        token.is_initial() && next_upper && (model_.contexts_of(next_type) & PunktModel::any_lower) == 0;
    if (beginning == Beginning::no || (beginning == Beginning::unknown && is_name)) token.ends_sentence = false;
  }

  /// Whether a word begins a sentence, by its case and by where the model has seen it in which case.
  Beginning begins_sentence(const detail::PunktToken& token) const {
    constexpr std::u32string_view kNever = U";:,.!?";
    if (token.text.size() == 1 && kNever.find(token.text[0]) != kNever.npos) return Beginning::no;
    const unsigned seen = model_.contexts_of(token.type_in_context());
    const char32_t first = token.text.front();
    if (is_python_upper(first) && (seen & PunktModel::any_lower) != 0 && (seen & PunktModel::middle_upper) == 0)
      return Beginning::yes;
    if (is_python_lower(first) && ((seen & PunktModel::any_upper) != 0 || (seen & PunktModel::begin_lower) == 0))
      return Beginning::no;
    return Beginning::unknown;
  }

  /// The number of closing quotes and brackets at the beginning of a piece that belong to the sentence before it.
  static std::size_t closing_length(std::u32string_view piece) {
    constexpr std::u32string_view kClosing = U"\"')]}\u2018\u2019\u201C\u201D\u00AB\u00BB";
    const std::size_t run = std::min(piece.find_first_not_of(kClosing), piece.size());
    if (run == 0) return 0;
    return run == piece.size() || is_python_space(piece[run]) || piece.substr(run).starts_with(U"--") ? run : 0;
  }

  PunktModel model_;
};

}  // namespace kvx::inline v0
