#pragma once

#include <kvx/core/token.hpp>
#include <kvx/io/json/json.hpp>
#include <kvx/text/known_fields.hpp>

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace kvx::inline v0 {

/// The tokens that a tokenizer.json's post_processor puts around a plain text.
struct TextFrame {
  std::vector<Token> before, after;
};

namespace detail {

/// The ids of the special token that a piece of a TemplateProcessing names.
inline std::vector<Token> template_ids(const JsonValue& processor, const JsonValue& piece) {
  const auto id = piece.at("SpecialToken").at("id");
  std::vector<Token> ids;
  processor.at("special_tokens").at(id.string()).at("ids").each_element([&](const JsonValue& value) {
    const std::int64_t token = value.integer();
    if (token < 0 || token > std::numeric_limits<Token>::max()) value.fail("a token id");
    ids.push_back(static_cast<Token>(token));
  });
  return ids;
}

}  // namespace detail

/// Reads a post_processor: ByteLevel, which adds nothing, TemplateProcessing, and sequences of these. Throws Error for
/// other types, and for a template that does not contain its text exactly once.
inline TextFrame read_post_processor(const JsonValue& processor) {
  const auto type = processor.at("type");
  TextFrame frame;
  if (type.string() == "Sequence") {
    detail::check_fields(processor, {"processors"});
    processor.at("processors").each_element([&](const JsonValue& step) {
      const TextFrame outer = read_post_processor(step);
      frame.before.insert(frame.before.begin(), outer.before.begin(), outer.before.end());
      frame.after.insert(frame.after.end(), outer.after.begin(), outer.after.end());
    });
  } else if (type.string() == "TemplateProcessing") {
    detail::check_fields(processor, {"single", "pair", "special_tokens"});  // no pairs of texts are encoded
    int texts = 0;
    const auto single = processor.at("single");
    single.each_element([&](const JsonValue& piece) {
      if (const auto text = piece.find("Sequence")) {
        if (text->at("id").string() != "A") text->at("id").fail("A");
        ++texts;
        return;
      }
      auto& side = texts == 0 ? frame.before : frame.after;
      const auto ids = detail::template_ids(processor, piece);
      side.insert(side.end(), ids.begin(), ids.end());
    });
    if (texts != 1) single.fail("one Sequence");
  } else if (type.string() == "ByteLevel") {
    detail::check_fields(processor, {"add_prefix_space", "trim_offsets", "use_regex"});  // these change no ids
  } else {
    type.fail("ByteLevel, TemplateProcessing or a Sequence of these");
  }
  return frame;
}

}  // namespace kvx::inline v0
