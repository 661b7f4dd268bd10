#pragma once

#include <kvx/io/json/json.hpp>
#include <kvx/io/regex.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// Splits text into the pieces that BPE encodes, as a tokenizer.json's pre_tokenizer says: Split and Digits steps, then
/// ByteLevel. The pieces are not written in the byte alphabet; the vocabulary translates that.
class PreTokenizer {
 public:
  /// Throws Error for steps and options other than those above.
  explicit PreTokenizer(const JsonValue& value) {
    if (value.at("type").string() == "Sequence") {
      value.at("pretokenizers").each_element([&](const JsonValue& step) { add(step); });
    } else {
      add(value);
    }
    if (!byte_level_) value.fail("a last step ByteLevel (a byte-level BPE tokenizer)");
  }

  /// Calls f(piece) for each piece of `text`, which is valid UTF-8.
  template <class F>
  void split(std::string_view text, F&& f) const {
    std::vector<std::string_view> pieces{text};
    for (const Regex& step : steps_) {
      std::vector<std::string_view> finer;
      for (const std::string_view piece : pieces)
        step.split(piece, [&](std::string_view part) { finer.push_back(part); });
      pieces = std::move(finer);
    }
    std::string prefixed;
    for (std::string_view piece : pieces) {
      if (prefix_space_ && !piece.starts_with(' ')) piece = prefixed.assign(" ").append(piece);
      if (words_) {
        words_->split(piece, f);
      } else {
        f(piece);
      }
    }
  }

 private:
  void add(const JsonValue& step) {
    if (byte_level_) step.fail("ByteLevel as the last step");
    const std::string_view type = step.at("type").string();
    if (type == "Split") {
      const auto& behavior = step.at("behavior");
      if (behavior.string() != "Isolated") behavior.fail("\"Isolated\"");
      if (step.at("invert").boolean()) step.at("invert").fail("false");
      const auto pattern = step.at("pattern").at("Regex");
      steps_.emplace_back(pattern.string(), pattern.where());
    } else if (type == "Digits") {
      steps_.emplace_back(step.at("individual_digits").boolean() ? "\\p{N}" : "\\p{N}+", step.where());
    } else if (type == "ByteLevel") {
      byte_level_ = true;
      prefix_space_ = step.at("add_prefix_space").boolean();
      const auto use_regex = step.find("use_regex");  // missing in older files, which means true
      if (!use_regex || use_regex->boolean())
        words_.emplace("'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
                       step.where());
    } else {
      step.at("type").fail("Sequence, Split, Digits or ByteLevel (a byte-level BPE tokenizer)");
    }
  }

  std::vector<Regex> steps_;
  bool byte_level_ = false, prefix_space_ = false;
  std::optional<Regex> words_;  // GPT-2's pattern of words
};

}  // namespace kvx::inline v0
