#pragma once

#include <kvx/io/json/json.hpp>
#include <kvx/text/known_fields.hpp>
#include <kvx/text/nfc.hpp>
#include <kvx/text/replace_step.hpp>
#include <kvx/text/white_space.hpp>

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace kvx::inline v0 {

/// A text after normalization.
struct NormalizedText {
  std::string text;
  bool has_start = true;  ///< false if the first character of the original text was removed
};

/// A tokenizer.json's normalizer: NFC, Prepend, Replace of a string, Strip, and sequences of these. It is applied to
/// the texts between added tokens, before they are split into pieces.
class Normalizer {
 public:
  Normalizer() = default;  ///< changes nothing
  /// Throws Error for steps and options other than those above.
  explicit Normalizer(const JsonValue& value) { add(value); }

  /// `text`, valid UTF-8, after all steps.
  NormalizedText operator()(std::string_view text) const {
    NormalizedText result{std::string(text)};
    for (const auto& step : steps_) step(result);
    return result;
  }

 private:
  void add(const JsonValue& value) {
    const auto type = value.at("type");
    if (type.string() == "Sequence") {
      detail::check_fields(value, {"normalizers"});
      value.at("normalizers").each_element([&](const JsonValue& step) { add(step); });
    } else if (type.string() == "NFC") {
      detail::check_fields(value, {});
      steps_.emplace_back([](NormalizedText& text) { text.text = nfc(text.text); });
    } else if (type.string() == "Prepend") {
      detail::check_fields(value, {"prepend"});
      steps_.emplace_back([prefix = std::string(value.at("prepend").string())](NormalizedText& text) {
        if (!text.text.empty()) text.text.insert(0, prefix);
      });
    } else if (type.string() == "Replace") {
      steps_.emplace_back([replace = ReplaceStep::read(value)](NormalizedText& text) {
        if (replace.content.empty() && text.text.starts_with(replace.pattern)) text.has_start = false;
        text.text = replace(text.text);
      });
    } else if (type.string() == "Strip") {
      detail::check_fields(value, {"strip_left", "strip_right"});
      if (value.at("strip_left").boolean())
        steps_.emplace_back([](NormalizedText& text) {
          const std::size_t spaces = leading_white_space(text.text);
          if (spaces > 0) text.has_start = false;
          text.text.erase(0, spaces);
        });
      if (value.at("strip_right").boolean())
        steps_.emplace_back(
            [](NormalizedText& text) { text.text.resize(text.text.size() - trailing_white_space(text.text)); });
    } else {
      type.fail("Sequence, NFC, Prepend, Replace or Strip");
    }
  }

  std::vector<std::function<void(NormalizedText&)>> steps_;
};

}  // namespace kvx::inline v0
