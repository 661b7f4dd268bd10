#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvx::inline v0::detail {

/// A step of a Jinja template: text that it prints, a value that it prints, or a statement such as `if` or `endfor`.
struct TemplateItem {
  enum class Kind { text, value, statement };
  Kind kind;
  std::string text;     ///< the printed text, or the expression or statement in a uniform spelling
  bool joined = false;  ///< for a value: whether it is joined to strings, so that it must be a string
  bool operator==(const TemplateItem&) const = default;
};

/// A token of an expression: a string's characters, or a name, number or operator as it is written.
struct TemplateToken {
  bool is_string;
  std::string text;
};

/// Reads a template as Jinja does with the settings of transformers: trim_blocks, lstrip_blocks, and without the line
/// end at the template's end.
class TemplateReader {
 public:
  explicit TemplateReader(std::string_view text) {
    for (std::size_t i = 0; i < text.size(); ++i) {  // any line end is \n
      if (text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n') ++i;
      text_ += text[i] == '\r' ? '\n' : text[i];
    }
    if (text_.ends_with('\n')) text_.pop_back();
  }

  /// The items of the template; adjacent texts are joined. nullopt if the template is not understood.
  std::optional<std::vector<TemplateItem>> read() {
    while (pos_ < text_.size())
      if (!read_text() || (pos_ < text_.size() && !read_tag())) return std::nullopt;
    return std::move(items_);
  }

 private:
  static constexpr std::string_view kSpace = " \t\n\v\f\r";

  std::string_view rest() const { return std::string_view(text_).substr(pos_); }

  void print(std::string_view text) {
    if (text.empty()) return;
    if (items_.empty() || items_.back().kind != TemplateItem::Kind::text)
      items_.push_back({TemplateItem::Kind::text, ""});
    items_.back().text += text;
  }

  /// Takes the text before the next tag, without the blanks that the tag strips.
  bool read_text() {
    std::size_t end = pos_;
    while (end < text_.size() && !(text_[end] == '{' && std::string_view("{%#").find(next(end)) != std::string::npos))
      ++end;
    std::string_view text = std::string_view(text_).substr(pos_, end - pos_);
    const char sign = end + 2 < text_.size() ? text_[end + 2] : '\0';
    if (end < text_.size() && sign == '-') {
      text = text.substr(0, text.find_last_not_of(kSpace) + 1);
    } else if (end < text_.size() && next(end) != '{' && sign != '+') {
      const std::size_t line = text.rfind('\n') + 1;  // 0 if there is no line end
      if ((line > 0 || begins_line_) && text.find_first_not_of(kSpace, line) == text.npos) text = text.substr(0, line);
    }
    print(text);
    pos_ = end;
    return true;
  }
  char next(std::size_t pos) const { return pos + 1 < text_.size() ? text_[pos + 1] : '\0'; }

  bool read_tag() {
    const char kind = text_[pos_ + 1];
    pos_ += 2;
    if (pos_ < text_.size() && (text_[pos_] == '-' || text_[pos_] == '+')) ++pos_;
    const std::string end = kind == '{' ? "}}" : std::string(1, kind) + "}";
    if (kind == '#') {
      const std::size_t close = text_.find(end, pos_);
      if (close == text_.npos) return false;
      pos_ = close > pos_ && (text_[close - 1] == '-' || text_[close - 1] == '+') ? close - 1 : close;
      return take_end(end);
    }
    std::vector<TemplateToken> tokens;
    while (!at_end(end)) {
      if (rest().empty() || !read_token(tokens)) return false;
    }
    take_end(end);
    if (tokens.empty()) return false;
    if (kind == '{') {
      add_values(tokens);
    } else {
      items_.push_back({TemplateItem::Kind::statement, spelled(tokens)});
    }
    return true;
  }

  bool at_end(std::string_view end) {
    pos_ += std::min(rest().find_first_not_of(kSpace), rest().size());
    const std::string_view after = rest();
    return after.starts_with(end) || (!after.empty() && (after[0] == '-' || (after[0] == '+' && end != "}}")) &&
                                      after.substr(1).starts_with(end));
  }
  /// Takes the end of a tag with the blanks that it strips.
  bool take_end(std::string_view end) {
    const char sign = text_[pos_];
    pos_ += end.size() + (sign == '-' || sign == '+');
    if (sign == '-')
      pos_ += std::min(rest().find_first_not_of(kSpace), rest().size());
    else if (sign != '+' && end != "}}" && rest().starts_with('\n'))
      ++pos_;
    begins_line_ = text_[pos_ - 1] == '\n';
    return true;
  }

  bool read_token(std::vector<TemplateToken>& tokens) {
    const char first = text_[pos_];
    if (first == '\'' || first == '"') return read_string(tokens);
    constexpr std::string_view kWord = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    const std::size_t word = std::min(rest().find_first_not_of(kWord), rest().size());
    if (word > 0) return take(tokens, word);
    for (const std::string_view two : {"==", "!=", ">=", "<=", "//", "**"})
      if (rest().starts_with(two)) return take(tokens, 2);
    return std::string_view("+-/*%~[]()<>=.:|,").find(first) != std::string_view::npos && take(tokens, 1);
  }
  bool take(std::vector<TemplateToken>& tokens, std::size_t length) {
    tokens.push_back({false, std::string(rest().substr(0, length))});
    pos_ += length;
    return true;
  }
  /// Reads a string. Returns false for an unknown escape or a missing quote.
  bool read_string(std::vector<TemplateToken>& tokens) {
    constexpr std::string_view kNames = "ntr\\'\"", kMeanings = "\n\t\r\\'\"";
    const char quote = text_[pos_];
    std::string text;
    for (++pos_; pos_ < text_.size() && text_[pos_] != quote; ++pos_) {
      if (text_[pos_] != '\\') {
        text += text_[pos_];
        continue;
      }
      const std::size_t name = kNames.find(next(pos_));
      if (pos_ + 1 >= text_.size() || name == kNames.npos) return false;
      text += kMeanings[name];
      ++pos_;
    }
    if (pos_ >= text_.size()) return false;
    ++pos_;
    tokens.push_back({true, std::move(text)});
    return true;
  }

  /// Adds the items that an expression prints; the parts of a sum of strings and names become separate items.
  void add_values(const std::vector<TemplateToken>& tokens) {
    using Kind = TemplateItem::Kind;
    std::vector<TemplateItem> parts;
    for (std::size_t i = 0; i <= tokens.size();) {
      std::size_t end = i;
      while (end < tokens.size() && (tokens[end].is_string || (tokens[end].text != "+" && tokens[end].text != "~")))
        ++end;
      const std::vector part(tokens.begin() + static_cast<std::ptrdiff_t>(i),
                             tokens.begin() + static_cast<std::ptrdiff_t>(end));
      const bool text = part.size() == 1 && part[0].is_string;
      if (!text && !is_path(part)) {
        items_.push_back({Kind::value, spelled(tokens)});
        return;
      }
      parts.push_back({text ? Kind::text : Kind::value, text ? part[0].text : spelled(part)});
      i = end + 1;
    }
    for (TemplateItem& part : parts) {
      part.joined = part.kind == Kind::value && parts.size() > 1;
      part.kind == Kind::text ? print(part.text) : items_.push_back(std::move(part));
    }
  }

  /// Whether an expression is a name and its members: a.b['c'].
  static bool is_path(const std::vector<TemplateToken>& tokens) {
    const auto is_name = [](const TemplateToken& token) {
      return !token.is_string && token.text.find_first_of("+-/*%~[]()<>=!.:|,") == std::string::npos;
    };
    const std::vector<TemplateToken> plain = with_dots(tokens);
    if (plain.size() % 2 == 0) return false;
    for (std::size_t i = 0; i < plain.size(); ++i)
      if (i % 2 == 0 ? !is_name(plain[i]) : plain[i].is_string || plain[i].text != ".") return false;
    return true;
  }

  /// Writes a['role'] as a.role; Jinja treats both the same if a dictionary has no method with that name.
  static std::vector<TemplateToken> with_dots(const std::vector<TemplateToken>& tokens) {
    constexpr std::array<std::string_view, 6> kMembers = {"role", "content",   "tool_calls",
                                                          "name", "arguments", "function"};
    std::vector<TemplateToken> out;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      const bool member = i > 0 && i + 2 < tokens.size() && !tokens[i].is_string && tokens[i].text == "[" &&
                          tokens[i + 1].is_string && std::ranges::count(kMembers, tokens[i + 1].text) > 0 &&
                          !tokens[i + 2].is_string && tokens[i + 2].text == "]";
      if (!member) {
        out.push_back(tokens[i]);
        continue;
      }
      out.push_back({false, "."});
      out.push_back({false, tokens[i + 1].text});
      i += 2;
    }
    return out;
  }

  /// The text of tokens with blanks between them, and strings in double quotes.
  static std::string spelled(const std::vector<TemplateToken>& tokens) {
    std::string out;
    for (const TemplateToken& token : with_dots(tokens)) {
      if (!out.empty()) out += ' ';
      if (!token.is_string) {
        out += token.text;
        continue;
      }
      out += '"';
      for (const char c : token.text) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
      }
      out += '"';
    }
    return out;
  }

  std::string text_;
  std::size_t pos_ = 0;
  bool begins_line_ = true;
  std::vector<TemplateItem> items_;
};

/// The items of a Jinja template; nullopt if it is not understood.
inline std::optional<std::vector<TemplateItem>> template_items(std::string_view jinja) {
  return TemplateReader(jinja).read();
}

}  // namespace kvx::inline v0::detail
