#include <kvx/text/stream_decoder.hpp>
#include <kvx/text/tokenizer.hpp>

#include "target.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  feed([&] {
    const auto document = kvx::JsonDocument::parse({reinterpret_cast<const char*>(data), size}, "f");
    const kvx::Tokenizer tokenizer(document.root());
    auto ids = tokenizer.encode("aab <s> e\u0301\n\n it's 12  \U0001F600");
    for (const kvx::Token id : ids) require(id >= 0 && static_cast<std::size_t>(id) < tokenizer.vocab_size());
    ids.insert(ids.end(), {0, 1, 2, 3, -1, 1 << 30});
    for (const bool skip_special : {false, true}) {
      kvx::StreamDecoder decoder(tokenizer, skip_special);
      std::string text;
      for (const kvx::Token id : ids) text += decoder.next(id);
      require(text + decoder.finish() == tokenizer.decode(ids, skip_special));
    }
  });
  return 0;
}

std::vector<std::string> seeds() {
  return {
      R"({"added_tokens":[{"id":9,"content":"<s>","single_word":false,"lstrip":false,"rstrip":false,)"
      R"("normalized":false,"special":true}],"normalizer":{"type":"NFC"},"pre_tokenizer":{"type":"Sequence",)"
      R"("pretokenizers":[{"type":"Split","pattern":{"Regex":" ?\\p{L}+|\\s+(?!\\S)|\\s"},"behavior":"Isolated",)"
      R"("invert":false},{"type":"ByteLevel","add_prefix_space":false,"use_regex":false}]},"post_processor":null,)"
      R"("decoder":{"type":"ByteLevel"},"model":{"type":"BPE","dropout":null,"unk_token":null,)"
      R"("byte_fallback":false,"vocab":{"a":0,"b":1,"Ġ":2,"aa":3,"aab":4,"Ċ":5,"Ã":6},"merges":["a a",["aa","b"]]}})",
      R"({"added_tokens":[{"id":0,"content":"it","single_word":false,"lstrip":false,"rstrip":false,)"
      R"("normalized":true,"special":false}],"normalizer":null,"pre_tokenizer":{"type":"Sequence","pretokenizers":)"
      R"([{"type":"Digits","individual_digits":true},{"type":"ByteLevel","add_prefix_space":true}]},)"
      R"("decoder":{"type":"ByteLevel"},"model":{"type":"BPE","vocab":{"1":1,"2":2,"12":3},"merges":["1 2"]}})",
      R"({"added_tokens":[{"id":0,"content":"<s>","single_word":true,"lstrip":true,"rstrip":true,"normalized":false,)"
      R"("special":true}],"normalizer":{"type":"Sequence","normalizers":[{"type":"Strip","strip_left":true,)"
      R"("strip_right":true},{"type":"Prepend","prepend":"▁"},{"type":"Replace","pattern":{"String":" "},)"
      R"("content":"▁"}]},"pre_tokenizer":{"type":"Metaspace","replacement":"▁","prepend_scheme":"first",)"
      R"("split":true},"post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<s>",)"
      R"("type_id":0}},{"Sequence":{"id":"A","type_id":0}}],"pair":[],"special_tokens":{"<s>":{"id":"<s>",)"
      R"("ids":[0],"tokens":["<s>"]}}},"decoder":{"type":"Sequence","decoders":[{"type":"Replace",)"
      R"("pattern":{"String":"▁"},"content":" "},{"type":"ByteFallback"},{"type":"Fuse"},{"type":"Strip",)"
      R"("content":" ","start":1,"stop":0}]},"model":{"type":"BPE","unk_token":"<unk>","fuse_unk":true,)"
      R"("byte_fallback":true,"ignore_merges":true,"vocab":{"<s>":0,"<unk>":1,"a":2,"▁":3,"<0xF0>":4,"<0x9F>":5,)"
      R"("<0x98>":6,"<0x80>":7,"aa":8},"merges":["a a"]}})",
  };
}
