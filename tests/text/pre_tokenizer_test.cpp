#include <kvx/text/pre_tokenizer.hpp>

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "support/error_of.hpp"

using namespace kvx;

namespace {
using Pieces = std::vector<std::string>;

Pieces split(std::string_view json, std::string_view text) {
  Pieces pieces;
  PreTokenizer(JsonDocument::parse(json, "file").root()).split(text, [&](auto piece) { pieces.emplace_back(piece); });
  return pieces;
}
std::string sequence(const std::string& steps) { return R"({"type":"Sequence","pretokenizers":[)" + steps + "]}"; }
const std::string kBytes = R"({"type":"ByteLevel","add_prefix_space":false,"use_regex":false})";
const std::string kWords = R"({"type":"ByteLevel","add_prefix_space":false})";
const std::string kPrefix = R"({"type":"ByteLevel","add_prefix_space":true,"use_regex":true})";
std::string digits_step(bool single) {
  return R"({"type":"Digits","individual_digits":)" + std::string(single ? "true}," : "false},");
}
std::string split_step(const std::string& behavior, const std::string& invert) {
  return R"({"type":"Split","pattern":{"Regex":"b"},"behavior":")" + behavior + R"(","invert":)" + invert + "},";
}
}  // namespace

TEST_CASE("Without other steps, ByteLevel splits text into GPT-2's words") {
  CHECK(split(kWords, "it's  12 a!") == Pieces{"it", "'s", " ", " 12", " a", "!"});
  CHECK(split(kPrefix, "ab c") == Pieces{" ab", " c"});
  CHECK(split(kPrefix, " ab") == Pieces{" ab"});
  CHECK(split(kBytes, "ab c") == Pieces{"ab c"});
}

TEST_CASE("Steps are applied one after the other") {
  CHECK(split(sequence(digits_step(true) + kWords), "a 12") == Pieces{"a", " ", "1", "2"});
  CHECK(split(sequence(digits_step(false) + kBytes), "a 12\u00bdb") == Pieces{"a ", "12\u00bd", "b"});
  CHECK(split(sequence(split_step("Isolated", "false") + digits_step(true) + kPrefix), "ab1c") ==
        Pieces{" a", " b", " 1", " c"});
}

TEST_CASE("Steps of other kinds are errors that name the field") {
  const auto refused = [](const std::string& json) { return error_of([&] { split(json, ""); }); };
  CHECK(refused(R"({"type":"Metaspace"})") ==
        "file: field type: expected Sequence, Split, Digits or ByteLevel (a byte-level BPE tokenizer), found "
        "\"Metaspace\"");
  CHECK(refused(sequence(split_step("Removed", "false") + kBytes)) ==
        "file: field pretokenizers[0].behavior: expected \"Isolated\", found \"Removed\"");
  CHECK(refused(sequence(split_step("Isolated", "true") + kBytes)) ==
        "file: field pretokenizers[0].invert: expected false, found true");
  CHECK(refused(sequence("")).find("expected a last step ByteLevel") != std::string::npos);
  CHECK(refused(sequence(kBytes + "," + kBytes)).find("expected ByteLevel as the last step") != std::string::npos);
}
