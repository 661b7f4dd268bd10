#pragma once

#include <kvx/io/json/json.hpp>
#include <kvx/io/json/json_writer.hpp>
#include <kvx/io/mapped_file.hpp>
#include <kvx/text/added_tokens.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// A token that a file adds to the tokens of tokenizer.json.
struct ExtraToken {
  std::string content;
  bool normalized = false, special = true;
  std::optional<std::int64_t> id = {};  ///< if the file states one
  std::string where = {};               ///< file and field, for errors
  AddedTokenRules rules = {};

  /// A token that is an object with the field `content`. `special` holds if that field is missing, and `normalized` is
  /// the opposite of special then.
  static ExtraToken read(const JsonValue& token, bool special) {
    const auto flag = [&](const char* name, bool fallback) {
      const auto value = token.find(name);
      return value ? value->boolean() : fallback;
    };
    special = flag("special", special);
    return {std::string(token.at("content").string()),
            flag("normalized", !special),
            special,
            {},
            token.where(),
            {flag("single_word", false), flag("lstrip", false), flag("rstrip", false)}};
  }
};

/// The files besides tokenizer.json that describe a tokenizer, by transformers' rules: tokenizer_config.json and,
/// unless that has added_tokens_decoder, also special_tokens_map.json, which overrides it, and added_tokens.json.
class TokenizerFiles {
 public:
  /// Reads those files that exist. Throws Error for a file that is not JSON.
  explicit TokenizerFiles(const std::string& model_dir) {
    config_ = load(model_dir + "/tokenizer_config.json");
    if (config_ && config_->root().find("added_tokens_decoder")) return;
    map_ = load(model_dir + "/special_tokens_map.json");
    added_ = load(model_dir + "/added_tokens.json");
  }

  /// The text of a token such as "bos_token", if it is set.
  std::optional<std::string> named_token(std::string_view name) const {
    const auto value = find(name);
    return value ? std::optional(token_text(*value)) : std::nullopt;
  }

  /// A setting of tokenizer_config.json, such as "add_bos_token", if it is set.
  std::optional<bool> setting(std::string_view name) const {
    const auto value = config_ ? config_->root().find(name) : std::nullopt;
    return value ? std::optional(value->boolean()) : std::nullopt;
  }

  /// The named tokens that are set, as a JSON object of texts for chat templates: those such as bos_token, and those of
  /// the object extra_special_tokens.
  std::string named_tokens_json() const {
    std::map<std::string, std::string> tokens;
    const auto add = [&](std::string_view name, const JsonValue& value) {
      if (name.ends_with("_token") && (value.is_string() || (value.is_object() && value.find("content"))))
        tokens[std::string(name)] = token_text(value);
    };
    for (const auto* file : {&config_, &map_}) {
      if (!*file) continue;
      (*file)->root().each_member(add);
      const auto extra = (*file)->root().find("extra_special_tokens");
      if (extra && extra->is_object()) extra->each_member(add);
    }
    JsonWriter out;
    out.begin_object();
    for (const auto& [name, text] : tokens) out.key(name).value(text);
    return out.end_object().text();
  }

  /// All tokens that the files add, in the order in which they get their ids. Some may also be in tokenizer.json.
  std::vector<ExtraToken> extra_tokens() const {
    std::vector<ExtraToken> listed = listed_tokens(), special = special_tokens();
    for (ExtraToken& token : listed) {
      const auto same = [&](const ExtraToken& other) { return other.content == token.content; };
      token.special |= std::ranges::any_of(special, same);
      if (!config_has_decoder()) token.normalized = !token.special;
    }
    std::ranges::stable_sort(listed, {}, &ExtraToken::id);
    for (ExtraToken& token : special) listed.push_back(std::move(token));
    return listed;
  }

 private:
  static std::optional<JsonDocument> load(const std::string& path) {
    return file_exists(path) ? std::optional(JsonDocument::load_python(path)) : std::nullopt;
  }
  static std::string token_text(const JsonValue& token) {
    return std::string(token.is_string() ? token.string() : token.at("content").string());
  }
  bool config_has_decoder() const { return config_ && config_->root().find("added_tokens_decoder"); }

  std::optional<JsonValue> find(std::string_view name) const {
    for (const auto* file : {&map_, &config_})
      if (*file)
        if (auto value = (*file)->root().find(name)) return value;
    return std::nullopt;
  }

  /// The tokens of added_tokens_decoder, or else of added_tokens.json, with their ids.
  std::vector<ExtraToken> listed_tokens() const {
    std::vector<ExtraToken> tokens;
    if (config_has_decoder()) {
      config_->root().at("added_tokens_decoder").each_member([&](std::string_view id, const JsonValue& token) {
        tokens.push_back(ExtraToken::read(token, false));
        tokens.back().id = std::stoll(checked_id(id, token));
      });
    } else if (added_) {
      added_->root().each_member([&](std::string_view content, const JsonValue& id) {
        tokens.push_back({std::string(content), true, false, id.integer(), id.where()});
      });
    }
    return tokens;
  }
  static std::string checked_id(std::string_view id, const JsonValue& token) {
    if (id.empty() || id.size() > 9 || id.find_first_not_of("0123456789") != id.npos)
      throw Error(token.where(), "expected a token id as the name of a token, found " + detail::shortened(id, 40));
    return std::string(id);
  }

  /// The named tokens, such as bos_token, and those in the lists of further special tokens.
  std::vector<ExtraToken> special_tokens() const {
    constexpr std::array<std::string_view, 7> kNames = {"bos_token", "eos_token", "unk_token", "sep_token",
                                                        "pad_token", "cls_token", "mask_token"};
    std::vector<ExtraToken> tokens;
    const auto add = [&](const JsonValue& token) {
      if (token_text(token).empty()) return;
      tokens.push_back(token.is_string() ? ExtraToken{token_text(token), false, true, {}, token.where()}
                                         : ExtraToken::read(token, true));
      tokens.back().special = true;
    };
    for (const std::string_view name : kNames)
      if (const auto value = find(name)) add(*value);
    for (const std::string_view name : {"additional_special_tokens", "extra_special_tokens"}) {
      const auto value = find(name);
      if (value && value->is_array()) value->each_element(add);
      if (value && value->is_object())
        value->each_member([&](std::string_view, const JsonValue& token) { add(token); });
    }
    return tokens;
  }

  std::optional<JsonDocument> config_, map_, added_;
};

}  // namespace kvx::inline v0
