#pragma once

#include <kvx/io/json/json.hpp>
#include <kvx/text/known_fields.hpp>
#include <kvx/text/replace_step.hpp>
#include <kvx/text/utf8.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace kvx::inline v0 {

/// The step Metaspace of a tokenizer.json's pre_tokenizer or decoder: blanks are written as another character.
struct Metaspace {
  enum class Prepend { first, never, always };

  std::string replacement;            ///< the character for a blank, such as U+2581
  Prepend prepend = Prepend::always;  ///< which texts between added tokens get a blank before them
  bool split = true;                  ///< whether texts are split before each blank

  /// Throws Error for a replacement of several characters and for settings that contradict each other.
  static Metaspace read(const JsonValue& step) {
    detail::check_fields(step, {"replacement", "add_prefix_space", "prepend_scheme", "split", "str_rep"});
    Metaspace result;
    const auto replacement = step.at("replacement");
    result.replacement = replacement.string();
    if (result.replacement.empty() || utf8_step(result.replacement).bytes != result.replacement.size())
      replacement.fail("one character");
    if (const auto scheme = step.find("prepend_scheme")) {
      if (scheme->string() == "first") {
        result.prepend = Prepend::first;
      } else if (scheme->string() == "never") {
        result.prepend = Prepend::never;
      } else if (scheme->string() != "always") {
        scheme->fail("first, never or always");
      }
    }
    const auto prefix = step.find("add_prefix_space");
    if (prefix && !prefix->boolean() && result.prepend != Prepend::never)
      prefix->fail("true, or the prepend_scheme \"never\"");
    if (const auto split = step.find("split")) result.split = split->boolean();
    return result;
  }

  /// Calls f(part, is_start) for each part of `text`, valid UTF-8, with blanks written as the replacement. `is_start`
  /// says whether the whole text begins here.
  template <class F>
  void split_text(std::string_view text, bool is_start, F&& f) const {
    std::string written = ReplaceStep{" ", replacement}(text);
    const bool prepends = prepend == Prepend::always || (prepend == Prepend::first && is_start);
    if (prepends && !written.starts_with(replacement)) written.insert(0, replacement);
    if (!split) return f(std::string_view(written), is_start);
    for (std::size_t begin = 0; begin < written.size();) {
      const std::size_t end = std::min(written.find(replacement, begin + 1), written.size());
      f(std::string_view(written).substr(begin, end - begin), is_start && begin == 0);
      begin = end;
    }
  }
};

}  // namespace kvx::inline v0
