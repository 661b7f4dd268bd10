#include <kvx/text/token_decoder.hpp>

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "support/error_of.hpp"

using namespace kvx;

namespace {
using Tokens = std::vector<std::string>;

/// The texts of the steps of a stream; the last one is that of finish().
Tokens streamed(const std::string& json, const Tokens& tokens) {
  const TokenDecoder decoder(JsonDocument::parse(json, "file").root());
  TokenDecoder::Stream stream(decoder);
  Tokens texts;
  for (const std::string& token : tokens) texts.push_back(stream.next(token));
  texts.push_back(stream.finish());
  return texts;
}
std::string chain(const std::string& steps) { return R"({"type":"Sequence","decoders":[)" + steps + "]}"; }
const std::string kByteFallback = R"({"type":"ByteFallback"})", kFuse = R"({"type":"Fuse"})";
const std::string kUnderscores = R"({"type":"Replace","pattern":{"String":"_"},"content":" "})";
std::string strip(int start, int stop = 0) {
  return R"({"type":"Strip","content":" ","start":)" + std::to_string(start) + R"(,"stop":)" + std::to_string(stop) +
         "}";
}
std::string meta(const std::string& scheme) {
  return R"({"type":"Metaspace","replacement":"_","prepend_scheme":")" + scheme + R"(","split":true})";
}
}  // namespace

TEST_CASE("Tokens of bytes are held back until another token follows, since one bad byte spoils its neighbors") {
  const std::string json = chain(kUnderscores + "," + kByteFallback + "," + kFuse);
  CHECK(streamed(json, {"_a", "<0xC3>", "<0xa9>", "b_"}) == Tokens{" a", "", "", "\u00e9b ", ""});
  CHECK(streamed(json, {"<0x0A>"}) == Tokens{"", "\n"});
  CHECK(streamed(json, {"<0xC3>", "<0xA9>", "<0xC3>", "x"}) == Tokens{"", "", "", "\uFFFD\uFFFD\uFFFDx", ""});
  CHECK(streamed(json, {"<0xC3>"}) == Tokens{"", "\uFFFD"});
  CHECK(streamed(json, {"<0xG0>", "<0x1>"}) == Tokens{"<0xG0>", "<0x1>", ""});
}

TEST_CASE("Strip removes blanks at the beginning of a text, or of each token before they are joined") {
  const std::string whole = chain(kFuse + "," + strip(2));
  CHECK(streamed(whole, {" ", "  a", " b"}) == Tokens{"", " a", " b", ""});
  CHECK(streamed(whole, {"a", " b"}) == Tokens{"a", " b", ""});
  CHECK(streamed(whole, {"", " a"}) == Tokens{"", "a", ""});
  CHECK(streamed(strip(1), {" a", " b"}) == Tokens{"a", "b", ""});
  CHECK(streamed(chain(kByteFallback + "," + kFuse + "," + strip(1)), {"<0x20>", "a"}) == Tokens{"", "a", ""});
}

TEST_CASE("Metaspace drops the blanks of the first token, unless none is put before a text") {
  CHECK(streamed(meta("always"), {"__a", "_b"}) == Tokens{"a", " b", ""});
  CHECK(streamed(meta("first"), {"_", "_b_"}) == Tokens{"", " b ", ""});
  CHECK(streamed(meta("never"), {"_a", "_b"}) == Tokens{" a", " b", ""});
}

TEST_CASE("ByteLevel reads the byte alphabet and holds back incomplete characters") {
  const std::string json = R"({"type":"ByteLevel","add_prefix_space":true,"trim_offsets":true,"use_regex":true})";
  CHECK(streamed(json, {"\u0120a", "\u00c3", "\u00a9", "\u00c3"}) == Tokens{" a", "", "\u00e9", "", "\uFFFD"});
  CHECK(streamed(chain(json + "," + strip(1)), {"\u0120a", "\u0120b"}) == Tokens{"a", " b", ""});
}

TEST_CASE("After finish() a new text begins") {
  const TokenDecoder decoder(JsonDocument::parse(chain(kFuse + "," + strip(1)), "file").root());
  TokenDecoder::Stream stream(decoder);
  CHECK(stream.next(" a") == "a");
  CHECK(stream.finish() == "");
  CHECK(stream.next(" a") == "a");
}

TEST_CASE("Decoders of other kinds, settings and orders are errors that name the field") {
  const auto refused = [](const std::string& json) { return error_of([&] { streamed(json, {}); }); };
  CHECK(refused(R"({"type":"WordPiece"})").starts_with("file: field type: expected Sequence, ByteLevel, Replace, "));
  CHECK(refused(chain(kFuse + "," + kUnderscores)) ==
        "file: field decoders[1].type: expected Strip after the step that joins the tokens, found \"Replace\"");
  CHECK(refused(strip(0, 1)) == "file: field stop: expected 0, found 1");
  CHECK(refused(strip(-1)) == "file: field start: expected a number of characters, found -1");
  CHECK(refused(R"({"type":"ByteFallback","replacement":"?"})") ==
        "file: field replacement: expected no field but type, found \"?\"");
}
