#pragma once

#include <kvx/text/python/python_case.hpp>
#include <kvx/text/python/python_character.hpp>

#include <algorithm>
#include <string>
#include <string_view>

namespace kvx::inline v0::detail {

/// A word, and what has been decided about the period that ends it.
struct PunktToken {
  explicit PunktToken(std::u32string_view word) : text(word), type(python_lower(word)) {
    if (is_number()) type = U"##number##";
  }

  std::u32string_view text;
  std::u32string type;  ///< the word in lower case
  bool ends_sentence = false, is_abbreviation = false, is_ellipsis = false;

  bool ends_with_period() const { return text.back() == U'.'; }
  /// Whether the word is one letter and a period.
  bool is_initial() const {
    return text.size() == 2 && text[1] == U'.' && is_python_word(text[0]) && !is_python_digit(text[0]);
  }
  std::u32string type_without_period() const {
    return type.size() > 1 && type.back() == U'.' ? type.substr(0, type.size() - 1) : type;
  }
  /// The form in which the model has a word that follows a period.
  std::u32string type_in_context() const { return ends_sentence ? type_without_period() : type; }

 private:
  /// Whether the word is of digits, commas, periods and dashes, and begins with a digit after an optional sign and an
  /// optional comma or period.
  bool is_number() const {
    std::u32string_view digits = text;
    if (digits.starts_with(U'-')) digits.remove_prefix(1);
    if (digits.starts_with(U'.') || digits.starts_with(U',')) digits.remove_prefix(1);
    const auto in_number = [](char32_t c) { return is_python_digit(c) || c == U',' || c == U'.' || c == U'-'; };
    return !digits.empty() && is_python_digit(digits.front()) && std::all_of(digits.begin(), digits.end(), in_number);
  }
};

}  // namespace kvx::inline v0::detail
