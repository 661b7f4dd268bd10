#include <kvx/io/text_file.hpp>
#include <kvx/text/stream_decoder.hpp>
#include <kvx/text/tokenizer.hpp>

#include <doctest/doctest.h>

#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/error_of.hpp"
#include "support/reference.hpp"
#include "support/temp_dir.hpp"

using namespace kvx;
using namespace kvx_test;

namespace {

/// A tokenizer with two letters, a merge, and two added tokens: a special one, and one of e, U+0301 and x that is found
/// in normalized text.
const std::string kSmall =
    R"({"added_tokens":[{"id":3,"content":"<s>","single_word":false,"lstrip":false,"rstrip":false,"normalized":false,)"
    R"("special":true},{"id":4,"content":"e\u0301x","normalized":true,"special":false}],"normalizer":{"type":"NFC"},)"
    R"("pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false},"post_processor":null,)"
    R"("decoder":{"type":"ByteLevel"},"model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":["a b"]}})";

/// kSmall with `from` replaced by `to`.
Tokenizer edited(const std::string& from, const std::string& to) {
  std::string text = kSmall;
  const std::size_t pos = text.find(from);
  REQUIRE(pos != text.npos);
  return Tokenizer(JsonDocument::parse(text.replace(pos, from.size(), to), "file").root());
}
std::string refused(const std::string& from, const std::string& to) {
  return error_of([&] { edited(from, to); });
}

void check_row(Tally& tally, const Tokenizer& tokenizer, const JsonValue& row, const std::string& ids,
               const std::string& decoded) {
  const auto expected = tokens(row.at(ids));
  CAPTURE(row.at("id").integer());
  CHECK(tally.count(tokenizer.encode(row.at("text").string()) == expected));
  CHECK(tally.count(tokenizer.decode(expected) == row.at(decoded).string()));
}

/// Compares with tests/data/tokenizer/families/NAME.jsonl.gz, the references of make_families.py.
void check_family(Tally& tally, const Tokenizer& tokenizer, const std::string& name) {
  const std::string path = kTokenizerData + "/families/" + name + ".jsonl.gz", rows = read_text_file(path);
  std::size_t line = 0;
  for (std::size_t begin = 0; begin < rows.size(); begin = rows.find('\n', begin) + 1) {
    const auto document = JsonDocument::parse(rows.substr(begin, rows.find('\n', begin) - begin), path);
    const JsonValue& row = document.root();
    const auto expected = tokens(row.at("ids"));
    const auto skip = row.find("skip"), text = row.find("text");
    const bool skips = skip && skip->boolean();
    CAPTURE(name);
    CAPTURE(++line);
    if (text) {
      CHECK(tally.count(tokenizer.encode(text->string()) == expected));
      CHECK(tally.count(tokenizer.frame().before == tokens(row.at("before"))));
    }
    CHECK(tally.count(tokenizer.decode(expected, skips) == row.at("decoded").string()));
    StreamDecoder decoder(tokenizer, skips);
    std::string streamed;
    for (const Token id : expected) {
      const std::string part = decoder.next(id);
      check_utf8(part, "part");
      streamed += part;
    }
    CHECK(tally.count(streamed + decoder.finish() == row.at("decoded").string()));
  }
}

void check_model(const std::string& dir, const std::string& name, std::size_t size) {
  Tally tally{"tokenizer " + name};
  const std::string path = environment("KVX_MODELS") + "/" + dir;
  std::optional<Tokenizer> tokenizer;
  if (std::filesystem::exists(path)) {
    tokenizer = Tokenizer::load(path);
    CHECK(tokenizer->vocab_size() == size);
  } else {
    tally.why = "no model in KVX_MODELS";
  }
  each_row(kvx_test::reference("tokenizer/cases.jsonl").path, [&](const JsonValue& row) {
    if (tokenizer) {
      check_row(tally, *tokenizer, row, name, name + "_decoded");
    } else {
      tally.not_applicable += 2;
    }
  });
}

}  // namespace

TEST_CASE("The tiny tokenizer's ids and texts equal the references") {
  Tally tally{"tokenizer tiny"};
  const auto tokenizer = Tokenizer::load(kTinyModel);
  each_row(kTokenizerData + "/tiny_cases.jsonl",
           [&](const JsonValue& row) { check_row(tally, tokenizer, row, "ids", "decoded"); });
  CHECK(tally.cases > 200);
}

TEST_CASE("Real tokenizers' ids and texts equal the references") {
  check_model("qwen-coder-0.5b", "qwen", 151665);
  check_model("smollm2-135m", "smollm", 49152);
}

TEST_CASE("Tokenizers of all forms give the references' ids, texts and first tokens") {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(kTokenizerData + "/families"))
    if (const std::string file = entry.path().filename().string(); file.ends_with(".json.gz"))
      names.insert(file.substr(0, file.find('.')));
  CHECK(names.size() == 22);
  for (const std::string& name : names) {
    const std::string path = kTokenizerData + "/families/" + name + ".json.gz";
    const auto document = JsonDocument::parse(read_text_file(path), path);
    Tally tally{"tokenizer " + name};
    check_family(tally, Tokenizer(document.root()), name);
    CHECK(tally.cases >= 100);
  }
}

TEST_CASE("The token at a byte is found, also if a text gets a prefix and if a character is several tokens") {
  const std::vector<std::pair<const char*, std::string>> specials = {
      {"llama2", "<s>"},        {"phi3", "<|user|>"},  {"mistral", "[INST]"}, {"gemma", "<start_of_turn>"},
      {"llama3", "<|eot_id|>"}, {"gpt2_prefix", "<s>"}};
  for (const auto& [name, special] : specials) {
    CAPTURE(name);
    const std::string path = kTokenizerData + "/families/" + name + ".json.gz";
    const Tokenizer tokenizer(JsonDocument::parse(read_text_file(path), path).root());
    const std::string text = "Hello \U0001F600 world\n" + special + " more";
    const auto ids = tokenizer.encode(text);
    const auto index = [&](std::size_t byte) { return tokenizer.token_at(text, byte, ids); };
    REQUIRE(index(text.find(special)) < ids.size());
    CHECK(ids[index(text.find(special))] == tokenizer.token_id(special));
    CHECK(index(text.find(special) + 1) == index(text.find(special)) + 1);
    CHECK(index(0) == 0);
    CHECK(index(text.size()) == ids.size());
  }
}

TEST_CASE("Models' tokenizers give the references' ids, texts and first tokens for hostile texts") {
  for (const char* name : {"gemma3-270m", "smollm2-135m-llama"}) {
    Tally tally{"tokenizer " + std::string(name)};
    const std::string path = environment("KVX_MODELS") + "/" + name;
    if (std::filesystem::exists(path)) {
      check_family(tally, Tokenizer::load(path), name);
    } else {
      tally.why = "no model in KVX_MODELS";
      ++tally.not_applicable;
    }
  }
}

TEST_CASE("Tokens are found by text, and special ones can be left out of a text") {
  const auto tokenizer = Tokenizer::load(kTinyModel);
  CHECK(tokenizer.vocab_size() == 1024);
  CHECK(tokenizer.token_id("<|im_end|>") == 1023);
  CHECK(!tokenizer.token_id("no such token"));
  const auto ids = tokenizer.encode("<|im_start|>hi<|im_end|>");
  CHECK(ids.front() == 1022);
  CHECK(tokenizer.decode(ids, true) == "hi");
  CHECK(tokenizer.decode(ids) == "<|im_start|>hi<|im_end|>");
  const std::vector<Token> unknown{-1, 1024, 1 << 30};
  CHECK(tokenizer.decode(unknown) == "");
  CHECK(!tokenizer.is_special(0));
}

TEST_CASE("Added tokens are found in the original or in the normalized text, as the file says") {
  using Ids = std::vector<Token>;
  const auto normalized = edited("", ""), verbatim = edited("\"normalized\":true", "\"normalized\":false");
  CHECK(normalized.encode("ab\u00e9x<s>be\u0301x") == Ids{2, 4, 3, 1, 4});
  CHECK(verbatim.encode("ab\u00e9x<s>be\u0301x") == Ids{2, 3, 1, 4});  // the vocabulary has no letter x
  CHECK(normalized.decode(Ids{3, 4, 2}, true) == "e\u0301xab");
}

TEST_CASE("Text that is not UTF-8 is an error") {
  const auto tokenizer = Tokenizer::load(kTinyModel);
  CHECK(error_of([&] { (void)tokenizer.encode("ab\xFF"); }) ==
        "text to encode: expected UTF-8, found an invalid byte at 2");
}

TEST_CASE("A tokenizer of another kind is an error that names file and field") {
  CHECK(refused("\"BPE\"", "\"Unigram\"") == "file: field model.type: expected BPE, found \"Unigram\"");
  CHECK(refused("\"NFC\"", "\"Lowercase\"") ==
        "file: field normalizer.type: expected Sequence, NFC, Prepend, Replace or Strip, found \"Lowercase\"");
  CHECK(
      refused("{\"type\":\"ByteLevel\"}", "{\"type\":\"CTC\"}") ==
      "file: field decoder.type: expected Sequence, ByteLevel, Replace, ByteFallback, Fuse, Strip or Metaspace, found "
      "\"CTC\"");
  CHECK(refused("\"post_processor\":null", "\"post_processor\":{\"type\":\"RobertaProcessing\"}") ==
        "file: field post_processor.type: expected ByteLevel, TemplateProcessing or a Sequence of these, found "
        "\"RobertaProcessing\"");
  CHECK(refused("\"decoder\":", "\"decode\":") == "file: missing field decoder");
  CHECK(refused("\"post_processor\":null", "\"post_procesor\":{}")
            .starts_with("file: field post_procesor: expected no field but version, truncation, "));
  CHECK(refused("\"lstrip\":false", "\"lstrip\":0") ==
        "file: field added_tokens[0].lstrip: expected a boolean, found 0");
  CHECK(refused("\"lstrip\":false", "\"l_strip\":false")
            .starts_with("file: field added_tokens[0].l_strip: expected no field but id, content, "));
  CHECK(
      edited("{\"type\":\"NFC\"}", R"({"type":"Sequence","normalizers":[{"type":"NFC"}]})").encode("e\u0301x").size() ==
      1);
  CHECK(edited("\"type\":\"BPE\",", "").encode("ab") == std::vector<Token>{2});
  CHECK(refused(R"({"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":["a b"]})", R"({"vocab":{"a":0}})") ==
        "file: field model: missing field type");
  CHECK(edited(R"("pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false})", R"("pre_tokenizer":null)")
            .encode("a ab") == std::vector<Token>{0, 2});
}

TEST_CASE("A post-processor puts tokens of the vocabulary around a text") {
  const auto processor = [](const std::string& single, const std::string& id) {
    return "\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[" + single +
           R"(],"pair":[],"special_tokens":{"<s>":{"id":"<s>","ids":[)" + id + R"(],"tokens":["<s>"]}}})";
  };
  const std::string none = "\"post_processor\":null", text = R"({"Sequence":{"id":"A","type_id":0}})",
                    special = R"({"SpecialToken":{"id":"<s>","type_id":0}})";
  using Ids = std::vector<Token>;
  const Tokenizer both = edited(none, processor(special + "," + text + "," + special, "3,0"));
  CHECK(both.encode_framed("ab") == Ids{3, 0, 2, 3, 0});
  CHECK(both.encode("ab") == Ids{2});
  CHECK(edited("", "").encode_framed("ab") == Ids{2});
  CHECK(refused(none, processor(special + "," + text, "5")) ==
        "file: field post_processor: expected tokens of the vocabulary, found the id 5");
  CHECK(refused(none, processor(special, "3")).starts_with("file: field post_processor.single: expected one Sequence"));
  CHECK(refused(none, processor(R"({"Sequence":{"id":"B","type_id":0}})", "3")) ==
        "file: field post_processor.single[0].Sequence.id: expected A, found \"B\"");
}

TEST_CASE("An added token whose text normalization removes is an error") {
  CHECK(refused(R"({"type":"NFC"})", R"({"type":"Replace","pattern":{"String":"e\u0301x"},"content":""})") ==
        "file: field added_tokens[1]: expected a text that is not empty after normalization");
}

TEST_CASE("Ids that clash or lie out of range, and merges of unknown tokens, are errors") {
  CHECK(refused("\"ab\":2", "\"ab\":1") == "file: field model.vocab.ab: id 1 belongs to two tokens");
  CHECK(
      refused("\"ab\":2", "\"ab\":99999999999").starts_with("file: field model.vocab.ab: expected a token id in [0, "));
  CHECK(refused("\"ab\":2", "\"ab\":-1").starts_with("file: field model.vocab.ab: expected a token id in [0, "));
  CHECK(refused("\"ab\":2", "\"ab\":2.5") == "file: field model.vocab.ab: expected an integer, found 2.5");
  CHECK(refused("\"a b\"", "\"a c\"") == "file: field model.merges[0]: expected tokens of the vocabulary, found \"c\"");
}

TEST_CASE("A missing, empty, truncated or non-UTF-8 file is an error that names it") {
  const TempDir dir;
  const auto load = [&] { return error_of([&] { (void)Tokenizer::load(dir.path()); }); };
  const std::string path = dir.path() + "/tokenizer.json";
  CHECK(load().starts_with(path + ": cannot open"));
  for (const std::size_t size : {std::size_t(0), std::size_t(1), kSmall.size() / 2, kSmall.size() - 1}) {
    dir.write("tokenizer.json", kSmall.substr(0, size));
    CHECK(load().starts_with(path + ": not valid JSON: "));
  }
  std::string text = kSmall;
  dir.write("tokenizer.json", text.replace(text.find("<s>"), 1, "\xFF"));
  CHECK(load().starts_with(path + ": not valid JSON: "));
  dir.write("tokenizer.json", "[]");
  CHECK(load().starts_with(path + ": expected an object"));
}
