#pragma once

#include <kvx/core/error.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/core/token.hpp>
#include <kvx/io/json/jsonl.hpp>
#include <kvx/model/config.hpp>
#include <kvx/text/post_processor.hpp>
#include <kvx/text/tokenizer.hpp>
#include <kvx/text/tokenizer_files.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// How a text is cut into pieces, of which a part is predicted.
struct PieceOptions {
  Index length = 1024;        ///< tokens per piece
  double prefix_ratio = 0.5;  ///< the share of a piece that is compressed; the rest is predicted
  std::size_t most = 20;      ///< pieces per text; 0: all
};

/// One piece: a prefix that is compressed, and a suffix that is predicted after it.
struct TextPiece {
  std::vector<Token> prefix, suffix;
};

/// The token that ends a text: the one that the tokenizer's files name, or else the id in config.json. Throws Error if
/// there is none.
inline Token eos_token(const std::string& model_dir, const Tokenizer& tokenizer, const ModelConfig& config) {
  const std::string where = model_dir + "/tokenizer_config.json: eos_token";
  const auto written = TokenizerFiles(model_dir).named_token("eos_token");
  if (!written && config.eos_token) return *config.eos_token;
  if (!written) throw Error(where, "missing, as is eos_token_id in config.json");
  if (const auto id = tokenizer.token_id(*written)) return *id;
  throw Error(where, "expected a token of the vocabulary, found " + *written);
}

/// Cuts the tokens of a text into pieces of equal length, with `eos` between lines that are not blank and the
/// tokenizer's own tokens around the text. A byte order mark and the carriage returns of Windows line ends do not count
/// as text. Tokens left over at the end are not used. Throws Error, naming `where`, for a text shorter than a piece.
inline std::vector<TextPiece> text_pieces(const std::string& where, std::string_view text, const Tokenizer& tokenizer,
                                          Token eos, const PieceOptions& options) {
  const auto length = static_cast<std::size_t>(options.length);
  const auto prefix = static_cast<std::size_t>(std::floor(options.prefix_ratio * static_cast<double>(options.length)));
  if (prefix < 1 || prefix + 2 > length)
    throw Error(where, "expected pieces of a prefix and at least two more tokens, found a prefix of " +
                           std::to_string(prefix) + " of " + std::to_string(length) + " tokens");
  text = without_byte_order_mark(text);
  const std::size_t most = options.most == 0 ? text.size() : options.most;
  const TextFrame& frame = tokenizer.frame();
  std::vector<Token> tokens = frame.before;
  bool first = true;
  for (std::size_t at = 0; at < text.size() && tokens.size() < most * length;) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    std::string_view line = text.substr(at, end - at);
    at = end + 1;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.find_first_not_of(" \t\r") == line.npos) continue;
    if (!std::exchange(first, false)) tokens.push_back(eos);
    const auto encoded = tokenizer.encode(line);
    tokens.insert(tokens.end(), encoded.begin(), encoded.end());
  }
  tokens.insert(tokens.end(), frame.after.begin(), frame.after.end());
  std::vector<TextPiece> pieces;
  for (std::size_t at = 0; at + length <= tokens.size() && pieces.size() < most; at += length) {
    const auto begin = tokens.begin() + static_cast<std::ptrdiff_t>(at);
    const auto middle = begin + static_cast<std::ptrdiff_t>(prefix), end = begin + static_cast<std::ptrdiff_t>(length);
    pieces.push_back({{begin, middle}, {middle, end}});
  }
  if (pieces.empty())
    throw Error(where, "expected at least " + std::to_string(length) + " tokens, found " +
                           std::to_string(tokens.size()) + "; --max-length takes shorter pieces");
  return pieces;
}

}  // namespace kvx::inline v0
