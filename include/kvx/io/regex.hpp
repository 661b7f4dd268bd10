#pragma once

#include <kvx/core/error.hpp>

// PCRE2's header needs a code unit width; only the names ending in _8 are used here.
#ifndef PCRE2_CODE_UNIT_WIDTH
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#undef PCRE2_CODE_UNIT_WIDTH
#else
#include <pcre2.h>
#endif

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <utility>

namespace kvx::inline v0 {

/// A Unicode regular expression that searches, splits and replaces text.
class Regex {
 public:
  /// Throws Error if `pattern` does not compile. This and later errors name the pattern as `where`. A match may take at
  /// most `match_limit` steps of PCRE2.
  Regex(std::string_view pattern, std::string where, std::uint32_t match_limit = 10'000'000)
      : where_(std::move(where)) {
    const std::string translated = translate(pattern);
    int code = 0;
    std::size_t offset = 0;
    constexpr std::uint32_t kOptions = PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C;
    code_.reset(pcre2_compile_8(reinterpret_cast<PCRE2_SPTR8>(translated.data()), translated.size(), kOptions, &code,
                                &offset, nullptr));
    if (!code_) throw Error(where_, "not a regular expression: " + message(code));
    pcre2_jit_compile_8(code_.get(), PCRE2_JIT_COMPLETE);  // without a JIT, PCRE2 interprets the pattern
    limits_.reset(pcre2_match_context_create_8(nullptr));
    if (!limits_) throw std::bad_alloc();
    pcre2_set_match_limit_8(limits_.get(), match_limit);
    pcre2_set_heap_limit_8(limits_.get(), 64 * 1024);  // KiB
  }

  /// Whether there is a match anywhere in `text`, valid UTF-8. Throws Error if a match takes too many steps.
  bool found_in(std::string_view text) const { return find(text, 0, *new_match()); }

  /// The number of matches in `text`, valid UTF-8, that do not overlap; empty matches count. Throws Error if a match
  /// takes too many steps.
  std::size_t count(std::string_view text) const {
    const auto match = new_match();
    std::size_t matches = 0, from = 0;
    bool may_be_empty = true;
    while (from <= text.size()) {
      if (!find(text, from, *match, may_be_empty ? 0 : PCRE2_NOTEMPTY_ATSTART)) break;
      const std::size_t* bounds = pcre2_get_ovector_pointer_8(match.get());
      ++matches;
      from = bounds[1];
      may_be_empty = bounds[0] != bounds[1];  // an empty match would be found again
    }
    return matches;
  }

  /// `text`, valid UTF-8, with each match replaced. In `replacement`, $0 is the match and $1 its first group. Throws
  /// Error if a match takes too many steps.
  std::string replaced(std::string_view text, std::string_view replacement) const {
    std::string result(text.size() + text.size() / 4 + 64, '\0');
    std::uint32_t options = PCRE2_SUBSTITUTE_GLOBAL | PCRE2_SUBSTITUTE_OVERFLOW_LENGTH | PCRE2_NO_UTF_CHECK;
    for (;;) {
      std::size_t size = result.size();
      const int code =
          pcre2_substitute_8(code_.get(), reinterpret_cast<PCRE2_SPTR8>(text.data()), text.size(), 0, options, nullptr,
                             limits_.get(), reinterpret_cast<PCRE2_SPTR8>(replacement.data()), replacement.size(),
                             reinterpret_cast<PCRE2_UCHAR8*>(result.data()), &size);
      if (code == PCRE2_ERROR_JIT_STACKLIMIT && (options & PCRE2_NO_JIT) == 0) {
        options |= PCRE2_NO_JIT;
        continue;
      }
      if (code < 0 && code != PCRE2_ERROR_NOMEMORY)
        throw Error(where_, "a match takes too many steps: " + message(code));
      result.resize(size);
      if (code >= 0) return result;
    }
  }

  /// Calls f(begin, end), in bytes, for every match in `text`, valid UTF-8, in order. Empty matches count, except at
  /// the end of the text and right after another match. Throws Error if a match takes too many steps.
  template <class F>
  void each_match(std::string_view text, F&& f) const {
    const auto match = new_match();
    std::size_t from = 0, last = std::string_view::npos;  // the end of the match before
    while (from < text.size() && find(text, from, *match)) {
      const std::size_t begin = pcre2_get_ovector_pointer_8(match.get())[0];
      const std::size_t end = pcre2_get_ovector_pointer_8(match.get())[1];
      from = end;
      if (begin == end) {
        from += character_bytes(text, from);
        if (begin == last || begin == text.size()) continue;
      }
      last = end;
      f(begin, end);
    }
  }

  /// Calls f(piece) for every match and for every text between matches, in order; empty pieces are left out.
  /// `text` is valid UTF-8. Throws Error if a match takes too many steps.
  template <class F>
  void split(std::string_view text, F&& f) const {
    std::size_t split_to = 0;
    const auto emit = [&](std::size_t end) {
      if (end > split_to) f(text.substr(split_to, end - split_to));
      split_to = end;
    };
    each_match(text, [&](std::size_t begin, std::size_t end) {
      emit(begin);
      emit(end);
    });
    emit(text.size());
  }

 private:
  struct Free {
    void operator()(pcre2_code_8* code) const { pcre2_code_free_8(code); }
    void operator()(pcre2_match_data_8* match) const { pcre2_match_data_free_8(match); }
    void operator()(pcre2_match_context_8* context) const { pcre2_match_context_free_8(context); }
  };

  static std::unique_ptr<pcre2_match_data_8, Free> new_match() {
    std::unique_ptr<pcre2_match_data_8, Free> match(pcre2_match_data_create_8(1, nullptr));
    if (!match) throw std::bad_alloc();
    return match;
  }

  /// Replaces \s and \S, because PCRE2's \s includes U+180E, which is not white space since Unicode 6.3.
  static std::string translate(std::string_view pattern) {
    std::string result;
    for (std::size_t i = 0; i < pattern.size(); ++i) {
      const std::string_view two = pattern.substr(i, 2);
      if (two == "\\s") {
        result += "\\p{White_Space}";
      } else if (two == "\\S") {
        result += "\\P{White_Space}";
      } else {
        result += pattern[i] == '\\' ? two : two.substr(0, 1);
      }
      if (pattern[i] == '\\') ++i;
    }
    return result;
  }

  static std::string message(int code) {
    std::array<PCRE2_UCHAR8, 128> text{};
    pcre2_get_error_message_8(code, text.data(), text.size());
    return reinterpret_cast<const char*>(text.data());
  }

  static std::size_t character_bytes(std::string_view text, std::size_t pos) {
    std::size_t bytes = 1;
    while (pos + bytes < text.size() && (static_cast<unsigned char>(text[pos + bytes]) & 0xC0) == 0x80) ++bytes;
    return bytes;
  }

  bool find(std::string_view text, std::size_t from, pcre2_match_data_8& match, std::uint32_t options = 0) const {
    const auto run = [&](std::uint32_t extra) {  // no check of UTF-8: each call would check the whole rest
      return pcre2_match_8(code_.get(), reinterpret_cast<PCRE2_SPTR8>(text.data()), text.size(), from,
                           PCRE2_NO_UTF_CHECK | options | extra, &match, limits_.get());
    };
    int code = run(0);
    if (code == PCRE2_ERROR_JIT_STACKLIMIT) code = run(PCRE2_NO_JIT);
    if (code < 0 && code != PCRE2_ERROR_NOMATCH) throw Error(where_, "a match takes too many steps: " + message(code));
    return code >= 0;
  }

  std::string where_;
  std::unique_ptr<pcre2_code_8, Free> code_;
  std::unique_ptr<pcre2_match_context_8, Free> limits_;
};

}  // namespace kvx::inline v0
