#pragma once

#include <kvx/io/json/json.hpp>
#include <kvx/text/byte_alphabet.hpp>
#include <kvx/text/known_fields.hpp>
#include <kvx/text/metaspace.hpp>
#include <kvx/text/replace_step.hpp>
#include <kvx/text/utf8.hpp>

#include <charconv>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

namespace kvx::inline v0 {

/// A tokenizer.json's decoder, which turns tokens into a text: Replace of a string, ByteFallback, Metaspace and Strip
/// for each token, then ByteLevel or Fuse, then Strip for the whole text.
class TokenDecoder {
 public:
  /// Throws Error for steps and options other than those above, and for another order.
  explicit TokenDecoder(const JsonValue& value) {
    if (value.at("type").string() == "Sequence") {
      detail::check_fields(value, {"decoders"});
      value.at("decoders").each_element([&](const JsonValue& step) { add(step); });
    } else {
      add(value);
    }
  }

  /// Decodes token by token. The decoder must outlive it.
  class Stream {
   public:
    explicit Stream(const TokenDecoder& decoder) : decoder_(&decoder), states_(decoder.steps_.size()) {}

    /// The text that is certain after one more token, which is written as in the file. What a later token may change
    /// is held back: an incomplete character, and the tokens of single bytes until another token follows.
    std::string next(std::string_view written) {
      std::string text;
      push(0, std::string(written), text);
      return text;
    }

    /// The text that was held back. Afterward a new text may begin.
    std::string finish() {
      std::string text;
      for (std::size_t i = 0; i < states_.size(); ++i) flush(i, text);
      states_.assign(states_.size(), {});
      return text;
    }

   private:
    struct State {
      std::string bytes = {};      // held back
      std::size_t characters = 0;  // that were stripped
      bool is_first = true;        // nothing came before
    };

    void push(std::size_t index, std::string token, std::string& out) {
      if (index == states_.size()) {
        out += token;
        return;
      }
      State& state = states_[index];
      const bool is_first = std::exchange(state.is_first, false);
      const Step& step = decoder_->steps_[index];
      if (const auto* replace = std::get_if<ReplaceStep>(&step)) {
        token = (*replace)(token);
      } else if (const auto* metaspace = std::get_if<Metaspace>(&step)) {
        const bool removes = is_first && metaspace->prepend != Metaspace::Prepend::never;
        token = ReplaceStep{metaspace->replacement, removes ? "" : " "}(token);
      } else if (const auto* strip = std::get_if<Strip>(&step)) {
        if (!strip->whole_text) state.characters = 0;
        while (state.characters < strip->count && token.starts_with(strip->content)) {
          token.erase(0, strip->content.size());
          ++state.characters;
        }
        if (!token.empty()) state.characters = strip->count;
      } else if (std::holds_alternative<ByteFallback>(step)) {
        if (const auto byte = byte_of(token)) {
          state.bytes += *byte;
          return;
        }
        flush(index, out);
      } else if (std::holds_alternative<ByteLevel>(step)) {
        state.bytes += byte_level_bytes(token);
        token = take_utf8(state.bytes);
      }
      push(index + 1, std::move(token), out);
    }

    /// Passes on what step `index` holds back. If a run of byte tokens is not UTF-8 as a whole, each of its bytes
    /// becomes U+FFFD.
    void flush(std::size_t index, std::string& out) {
      std::string bytes = std::exchange(states_[index].bytes, {});
      if (bytes.empty()) return;
      if (std::holds_alternative<ByteLevel>(decoder_->steps_[index])) return push(index + 1, "\uFFFD", out);
      if (valid_utf8_bytes(bytes) == bytes.size()) return push(index + 1, std::move(bytes), out);
      for (std::size_t i = 0; i < bytes.size(); ++i) push(index + 1, "\uFFFD", out);
    }

    const TokenDecoder* decoder_;
    std::vector<State> states_;  // by step
  };

 private:
  struct ByteFallback {};
  struct ByteLevel {};
  struct Strip {
    std::string content;
    std::size_t count;
    bool whole_text;  // rather than each token
  };
  using Step = std::variant<ReplaceStep, Metaspace, Strip, ByteFallback, ByteLevel>;

  /// The byte of a token such as <0x0A>.
  static std::optional<char> byte_of(std::string_view token) {
    unsigned char byte = 0;
    if (token.size() != 6 || !token.starts_with("<0x") || !token.ends_with('>')) return std::nullopt;
    const auto [end, code] = std::from_chars(token.data() + 3, token.data() + 5, byte, 16);
    return code == std::errc() && end == token.data() + 5 ? std::optional(static_cast<char>(byte)) : std::nullopt;
  }

  void add(const JsonValue& step) {
    const auto type = step.at("type");
    const std::string_view name = type.string();
    if (fused_ && name != "Strip" && name != "Fuse") type.fail("Strip after the step that joins the tokens");
    if (name == "Replace") {
      steps_.emplace_back(ReplaceStep::read(step));
    } else if (name == "Metaspace") {
      steps_.emplace_back(Metaspace::read(step));
    } else if (name == "Strip") {
      detail::check_fields(step, {"content", "start", "stop"});
      const auto content = step.at("content"), start = step.at("start"), stop = step.at("stop");
      if (content.string().empty() || utf8_step(content.string()).bytes != content.string().size())
        content.fail("one character");
      if (start.integer() < 0) start.fail("a number of characters");
      if (stop.integer() != 0) stop.fail("0");
      steps_.emplace_back(Strip{std::string(content.string()), static_cast<std::size_t>(start.integer()), fused_});
    } else if (name == "ByteFallback") {
      detail::check_fields(step, {});
      steps_.emplace_back(ByteFallback{});
    } else if (name == "ByteLevel") {
      detail::check_fields(step, {"add_prefix_space", "trim_offsets", "use_regex"});  // none of them changes a text
      steps_.emplace_back(ByteLevel{});
      fused_ = true;
    } else if (name == "Fuse") {
      detail::check_fields(step, {});
      fused_ = true;
    } else {
      type.fail("Sequence, ByteLevel, Replace, ByteFallback, Fuse, Strip or Metaspace");
    }
  }

  std::vector<Step> steps_;
  bool fused_ = false;  // whether the steps that follow see one text
};

}  // namespace kvx::inline v0
