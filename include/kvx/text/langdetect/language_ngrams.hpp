#pragma once

#include <kvx/text/code_points.hpp>
#include <kvx/text/nfc.hpp>
#include <kvx/text/python/python_character.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

// The n-grams by which langdetect 1.0.9 (Shuyo; Danilak) recognizes languages.
namespace kvx::inline v0::detail {

/// An n-gram of one to three characters, 21 bits each.
using NgramKey = std::uint64_t;
inline NgramKey ngram_key(std::u32string_view characters) {
  NgramKey key = 0;
  for (const char32_t c : characters) key = key << 21 | static_cast<NgramKey>(c);
  return key;
}

/// Maps ideographs to the first one of their class; n-grams do not distinguish the ideographs of a class.
using IdeographClasses = std::unordered_map<char32_t, char32_t>;

/// The character that replaces `c` in an n-gram; a blank if `c` is not a letter.
inline char32_t ngram_character(char32_t c, const IdeographClasses& ideographs) {
  const auto within = [c](char32_t first, char32_t last) { return c >= first && c <= last; };
  if (c < 0x80) return (c >= U'A' && c <= U'Z') || (c >= U'a' && c <= U'z') ? c : U' ';
  if (c == 0xA0 || c == 0xAB || c == 0xB0 || c == 0xBB || within(0x2000, 0x206F)) return U' ';
  if (c == 0x219) return 0x15F;  // Romanian: comma or cedilla below
  if (c == 0x21B) return 0x163;
  if (c == 0x6CC) return 0x64A;                                         // Persian or Arabic yeh
  if (within(0x1EA0, 0x1EFF)) return 0x1EC3;                            // Vietnamese
  if (within(0x3040, 0x309F)) return 0x3042;                            // hiragana
  if (within(0x30A0, 0x30FF)) return 0x30A2;                            // katakana
  if (within(0x3100, 0x312F) || within(0x31A0, 0x31BF)) return 0x3105;  // bopomofo
  if (within(0xAC00, 0xD7AF)) return 0xAC00;                            // hangul
  if (!within(0x4E00, 0x9FFF)) return c;
  const auto found = ideographs.find(c);
  return found == ideographs.end() ? c : found->second;
}

/// Composes each vowel or `y` and a Vietnamese accent after it into one character.
inline std::u32string with_vietnamese_accents(std::u32string_view text) {
  constexpr std::u32string_view kAccents = U"\u0300\u0301\u0303\u0309\u0323",
                                kLetters =
                                    U"AEIOUYaeiouy\u00C2\u00CA\u00D4\u00E2\u00EA\u00F4\u0102\u0103\u01A0\u01A1"
                                    U"\u01AF\u01B0";
  std::u32string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool accented =
        i + 1 < text.size() && kAccents.find(text[i + 1]) != kAccents.npos && kLetters.find(text[i]) != kLetters.npos;
    if (accented)
      result += code_points(nfc(utf8_of(text.substr(i++, 2))));
    else
      result += text[i];
  }
  return result;
}

inline bool is_address_character(char32_t c) {
  return (c >= U'0' && c <= U'9') || (c >= U'A' && c <= U'Z') || (c >= U'a' && c <= U'z') || c == U'-' || c == U'_';
}

/// The number of characters at the beginning of `text` that may be part of an address or are in `others`, at most
/// `limit`.
inline std::size_t address_run(std::u32string_view text, std::u32string_view others, std::size_t limit) {
  const auto is_in = [&](char32_t c) { return is_address_character(c) || others.find(c) != others.npos; };
  text = text.substr(0, limit);
  return static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), is_in) - text.begin());
}

/// Replaces each URL by a blank.
inline std::u32string without_urls(std::u32string_view text) {
  std::u32string result;
  while (!text.empty()) {
    const std::size_t scheme = text.starts_with(U"http://") ? 7 : text.starts_with(U"https://") ? 8 : 0;
    const std::size_t rest = scheme == 0 ? 0 : address_run(text.substr(scheme), U".?&~;+=/#", 2076);
    result += rest == 0 ? text.front() : U' ';
    text.remove_prefix(rest == 0 ? 1 : scheme + rest);
  }
  return result;
}

/// Replaces each e-mail address by a blank.
inline std::u32string without_mail(std::u32string_view text) {
  std::u32string result;
  for (std::size_t pos; (pos = text.find(U'@')) != text.npos;) {
    const auto name_end = text.rend() - static_cast<std::ptrdiff_t>(pos);
    const auto is_in_name = [](char32_t c) { return is_address_character(c) || c == U'.'; };
    const auto name = static_cast<std::size_t>(
        std::find_if_not(name_end, name_end + static_cast<std::ptrdiff_t>(std::min<std::size_t>(pos, 64)), is_in_name) -
        name_end);
    const std::size_t host = address_run(text.substr(pos + 1), U"", 255);
    const std::size_t domain = host == 0 ? 0 : address_run(text.substr(pos + 1 + host), U".", 255);
    const bool found = name > 0 && host + domain >= 2;  // a host has at least two characters
    result += text.substr(0, found ? pos - name : pos + 1);
    if (found) result += U' ';
    text.remove_prefix(pos + 1 + (found ? host + domain : 0));
  }
  return result.append(text);
}

/// The first 10000 characters after URLs and e-mail addresses are replaced. Several blanks become one. Latin letters
/// are removed if the text has more than twice as many other letters.
inline std::u32string language_text(std::u32string_view text) {
  constexpr std::size_t kMaxLength = 10000;
  std::u32string cut = with_vietnamese_accents(without_mail(without_urls(text)));
  cut.resize(std::min(cut.size(), kMaxLength));
  cut.erase(std::unique(cut.begin(), cut.end(), [](char32_t a, char32_t b) { return a == U' ' && b == U' '; }),
            cut.end());
  const auto is_latin = [](char32_t c) { return c >= U'A' && c <= U'z'; };
  const auto is_other = [](char32_t c) { return c >= 0x300 && !(c >= 0x1E00 && c <= 0x1EFF); };
  if (2 * std::count_if(cut.begin(), cut.end(), is_latin) < std::count_if(cut.begin(), cut.end(), is_other))
    std::erase_if(cut, is_latin);
  return cut;
}

/// Calls f(NgramKey) for each n-gram of one to three characters that ends with a letter or with the blank after a word.
/// Skips n-grams that end with a capital after another capital of the same word.
template <class F>
void each_ngram(std::u32string_view text, const IdeographClasses& ideographs, F&& f) {
  std::u32string window = U" ";
  bool capitals = false;
  for (const char32_t character : text) {
    const char32_t c = ngram_character(character, ideographs), before = window.back();
    if (before == U' ') {
      window = U" ";
      capitals = false;
    } else if (window.size() == 3) {
      window.erase(0, 1);
    }
    if (before != U' ' || c != U' ') {
      window += c;
      capitals = is_python_upper(c) && (capitals || is_python_upper(before));
    }
    if (capitals) continue;
    for (std::size_t n = 1; n <= window.size(); ++n)
      if (n > 1 || window.back() != U' ') f(ngram_key(std::u32string_view(window).substr(window.size() - n)));
  }
}

}  // namespace kvx::inline v0::detail
