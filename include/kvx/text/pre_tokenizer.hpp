#pragma once

#include <kvx/io/json/json.hpp>
#include <kvx/io/regex.hpp>
#include <kvx/text/byte_alphabet.hpp>
#include <kvx/text/known_fields.hpp>
#include <kvx/text/metaspace.hpp>
#include <kvx/text/split_step.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace kvx::inline v0 {

/// Splits text into the pieces that BPE encodes, as a tokenizer.json's pre_tokenizer says: Split, Digits, Metaspace and
/// ByteLevel, which writes each byte as a character of the byte alphabet, and sequences of these.
class PreTokenizer {
 public:
  PreTokenizer() = default;  ///< does not split
  /// Throws Error for steps and options other than those above.
  explicit PreTokenizer(const JsonValue& value) {
    if (value.at("type").string() == "Sequence") {
      detail::check_fields(value, {"pretokenizers"});
      value.at("pretokenizers").each_element([&](const JsonValue& step) { add(step); });
    } else {
      add(value);
    }
  }

  /// Calls f(piece) for each piece of `text`, which is valid UTF-8 and not empty. `is_start` says whether the whole
  /// text begins here, rather than after an added token.
  template <class F>
  void split(std::string_view text, bool is_start, F&& f) const {
    split_from(0, text, is_start, f);
  }

 private:
  struct ByteLevel {
    bool prefix_space;
    std::optional<SplitStep> words;
  };
  using Step = std::variant<SplitStep, Metaspace, ByteLevel>;

  void add(const JsonValue& step) {
    const auto type = step.at("type");
    if (!steps_.empty() && std::holds_alternative<ByteLevel>(steps_.back())) step.fail("ByteLevel as the last step");
    if (type.string() == "Split") {
      steps_.emplace_back(SplitStep(step));
    } else if (type.string() == "Digits") {
      detail::check_fields(step, {"individual_digits"});
      const bool single = step.at("individual_digits").boolean();
      steps_.emplace_back(SplitStep(Regex(single ? "\\p{N}" : "\\p{N}+", step.where()), SplitBehavior::isolated));
    } else if (type.string() == "Metaspace") {
      steps_.emplace_back(Metaspace::read(step));
    } else if (type.string() == "ByteLevel") {
      detail::check_fields(step, {"add_prefix_space", "trim_offsets", "use_regex"});
      ByteLevel bytes{step.at("add_prefix_space").boolean(), {}};
      const auto use_regex = step.find("use_regex");  // missing in older files, which means true
      if (!use_regex || use_regex->boolean())
        bytes.words.emplace(
            Regex("'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+", step.where()),
            SplitBehavior::isolated);
      steps_.emplace_back(std::move(bytes));
    } else {
      type.fail("Sequence, Split, Digits, Metaspace or ByteLevel");
    }
  }

  /// Applies step `index` and those after it.
  template <class F>
  void split_from(std::size_t index, std::string_view text, bool is_start, const F& f) const {
    if (index == steps_.size()) return f(text);
    if (const auto* split = std::get_if<SplitStep>(&steps_[index])) {
      split->split(
          text, [&](std::string_view part) { split_from(index + 1, part, is_start && part.data() == text.data(), f); });
    } else if (const auto* metaspace = std::get_if<Metaspace>(&steps_[index])) {
      metaspace->split_text(text, is_start, [&](std::string_view part, bool part_is_start) {
        split_from(index + 1, part, part_is_start, f);
      });
    } else {
      const auto& bytes = std::get<ByteLevel>(steps_[index]);
      std::string prefixed, written;
      if (bytes.prefix_space && !text.starts_with(' ')) text = prefixed.assign(" ").append(text);
      const auto write = [&](std::string_view part) {
        written.clear();
        for (const char c : part) written += byte_level_character(static_cast<unsigned char>(c));
        f(written);
      };
      if (bytes.words) {
        bytes.words->split(text, write);
      } else {
        write(text);
      }
    }
  }

  std::vector<Step> steps_;
};

}  // namespace kvx::inline v0
