// Tokenizers, chat templates and settings in model directories as users have them. Each directory is the tiny model's
// with one change. The expected results were found by transformers 5.2 and tokenizers 0.22 on the same directories.
#include "support/error_of.hpp"
#include "support/jinja.hpp"
#include "support/model_dir.hpp"
#include "support/model_dir_runs.hpp"

#include <doctest/doctest.h>
#include <kvx/eval/run/model_notes.hpp>
#include <kvx/eval/tables/run_times_json.hpp>

#include <cstddef>
#include <string>
#include <vector>

namespace {

using namespace kvx;
using namespace kvx_test;

const std::string kFrame =
    R"({"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<|endoftext|>","type_id":0}},)"
    R"({"Sequence":{"id":"A","type_id":0}}],"pair":[],"special_tokens":{"<|endoftext|>":{"id":"<|endoftext|>",)"
    R"("ids":[1021],"tokens":["<|endoftext|>"]}}})";
const std::string kByteLevel =
    R"({"type":"ByteLevel","add_prefix_space":false,"trim_offsets":false,"use_regex":false})";
const std::string kObs = R"({"content":"<obs>","lstrip":false,"normalized":false,"rstrip":false,"single_word":false,)"
                         R"("special":true})";

void add_rows(RawTensors& raw) {
  RawTensor& embedding = raw["model.embed_tokens.weight"];
  embedding.shape[0] += 64;
  embedding.bytes.resize(embedding.bytes.size() + static_cast<std::size_t>(64 * embedding.shape[1] * 2));
}
/// The tokens after the token that kFrame puts before a plain text.
std::vector<Token> framed(std::vector<Token> tokens) {
  tokens.insert(tokens.begin(), 1021);
  return tokens;
}

}  // namespace

TEST_CASE("A post-processor's tokens are added to plain text, not to a chat, and they are part of the key") {
  Tally tally{"model directories (post-processors)"};
  const PreparedModel plain_text = prepared_model(kTinyModel, "perplexity"),
                      plain_chat = prepared_model(kTinyModel, "tool_call"),
                      plain_none = prepared_model(kTinyModel, "tool_call", "none");
  for (const std::string& processor :
       {kFrame, R"({"type":"Sequence","processors":[)" + kByteLevel + "," + kFrame + "]}"}) {
    const ModelDir dir;
    dir.put("tokenizer.json", "\"post_processor\":" + processor);
    CHECK(tally.count(logits_of(dir.path()) == logits_of(kTinyModel)));
    auto text = framed(context_of(plain_text));
    text.pop_back();  // all pieces have the same length
    CHECK(tally.count(context_of(prepared_model(dir.path(), "perplexity")) == text));
    CHECK(tally.count(context_of(prepared_model(dir.path(), "tool_call")) == context_of(plain_chat)));
    const PreparedModel none = prepared_model(dir.path(), "tool_call", "none");
    CHECK(tally.count(context_of(none) == framed(context_of(plain_none))));
    CHECK(tally.count(none.repeat.prefix == plain_none.repeat.prefix + 1));
    const std::vector<std::string> note = {"m: the tokenizer puts <|endoftext|> before a plain text"};
    CHECK(tally.count(none.notes == note));
    CHECK(tally.count(prepared_model(dir.path(), "perplexity").notes == note));
    CHECK(tally.count(prepared_model(dir.path(), "tool_call").notes.empty()));
    const auto spans = [](const PreparedModel& model) { return model.tasks.front().groups.front().spans; };
    CHECK(tally.count(spans(none).size() == spans(plain_none).size()));
    const TextFrame frame = Tokenizer::load(dir.path()).frame();
    CHECK(tally.count(kvx::detail::frame_text(frame) == " before=1021"));
    const auto settings = [&](const char* task, const char* chat) {
      EvalOptions options;
      options.chat = chat;
      options.data = KVX_SOURCE_DIR "/examples/data/tool_world.jsonl.gz";
      options.samples.samples = 1;
      options.task_data = {{"perplexity", {KVX_SOURCE_DIR "/examples/data/story.txt"}}};
      return kvx::detail::answer_settings(TaskData(kvx_tasks().at(task), options), options,
                                          ChatTemplate::choose(chat, dir.path()), frame);
    };
    CHECK(tally.count(settings("perplexity", "").find(" before=1021") != std::string::npos));
    CHECK(tally.count(settings("tool_call", "none").find(" before=1021") != std::string::npos));
    CHECK(tally.count(settings("tool_call", "").find("before") == std::string::npos));
  }
}

TEST_CASE("add_bos_token and add_eos_token of tokenizer_config.json decide what is put around a plain text") {
  Tally tally{"model directories (add_bos_token)"};
  const auto frame_of = [](const std::string& settings) {
    const ModelDir dir;
    dir.put("tokenizer.json", "\"post_processor\":" + kFrame);
    if (!settings.empty()) dir.put("tokenizer_config.json", settings);
    const Tokenizer tokenizer = Tokenizer::load(dir.path());
    return kvx::detail::frame_text(tokenizer.frame()) + ": " + frame_note(tokenizer).value_or("nothing");
  };
  const std::string before = "the tokenizer puts <|endoftext|> before a plain text";
  CHECK(tally.count(frame_of("") == " before=1021: " + before));
  CHECK(tally.count(frame_of(R"("add_bos_token":false)") == ": nothing"));
  CHECK(tally.count(frame_of(R"("add_bos_token":true)") == ": nothing"));  // there is no BOS token
  CHECK(
      tally.count(frame_of(R"("add_bos_token":true,"bos_token":"<|im_start|>","add_eos_token":true)") ==
                  " before=1022 after=1023: the tokenizer puts <|im_start|> before and <|im_end|> after a plain text"));
  CHECK(tally.count(frame_of(R"("add_eos_token":true)") ==
                    " after=1023: the tokenizer puts <|im_end|> after a plain text"));
}

TEST_CASE(
    "Without an end token or a template texts are predicted, and a chat is an error that names the missing template") {
  Tally tally{"model directories (no tokenizer_config)"};
  const auto expected = context_of(prepared_model(kTinyModel, "perplexity"));
  const ModelDir without, null;
  without.remove("tokenizer_config.json");
  null.put("tokenizer_config.json", R"("eos_token":null)");
  for (const ModelDir* dir : {&without, &null})
    CHECK(tally.count(context_of(prepared_model(dir->path(), "perplexity")) == expected));
  CHECK(tally.count(error_of([&] { (void)prepared_model(without.path(), "tool_call"); }) ==
                    without.path() + "/tokenizer_config.json: no chat template; choose one by --template chatml|none"));
  CHECK(tally.count(context_of(prepared_model(without.path(), "tool_call", "chatml")) ==
                    context_of(prepared_model(kTinyModel, "tool_call"))));
  CHECK(tally.count(error_of([&] { (void)prepared_model(null.path(), "tool_call"); }) == ""));
  without.replace("config.json", "\"eos_token_id\": 1023,", "");
  without.remove("generation_config.json");
  CHECK(tally.count(error_of([&] { (void)prepared_model(without.path(), "perplexity"); }) ==
                    without.path() + "/tokenizer_config.json: eos_token: missing, as is eos_token_id in config.json"));
}

TEST_CASE("Tokens are added from all files from which transformers adds them") {
  Tally tally{"model directories (added tokens)"};
  const std::vector<Token> expected = {39, 72, 220, 1024, 834, 362};  // tokenizers' ids
  struct Added {
    const char* name;
    DirChange make;
    bool special;
  };
  const std::vector<Added> directories = {
      {"added_tokens_decoder",
       with_members(
           "tokenizer_config.json",
           R"("added_tokens_decoder":{"1025":{"content":"</obs>","special":true},"1023":{"content":"<|im_end|>",)"
           R"("special":true},"1024":)" +
               kObs + "}"),
       true},
      {"added_tokens.json", with_file("added_tokens.json", R"({"</obs>":1025,"<obs>":1024})"), false},
      {"additional_special_tokens", with_members("tokenizer_config.json", R"("additional_special_tokens":["<obs>"])"),
       true},
      {"extra_special_tokens", with_members("tokenizer_config.json", R"("extra_special_tokens":{"obs_token":"<obs>"})"),
       true},
      {"a named token", with_members("tokenizer_config.json", R"("mask_token":{"content":"<obs>"})"), true},
      {"special_tokens_map.json", with_file("special_tokens_map.json", R"({"additional_special_tokens":["<obs>"]})"),
       true},
      {"a list that makes it special",
       in_turn(with_file("added_tokens.json", R"({"<obs>":1024})"),
               with_members("tokenizer_config.json", R"("additional_special_tokens":["<obs>"])")),
       true},
  };
  for (const Added& added : directories) {
    const ModelDir dir;
    added.make(dir);
    dir.put("config.json", R"("vocab_size":1088)");
    dir.weights(add_rows);
    CAPTURE(added.name);
    const Tokenizer tokenizer = Tokenizer::load(dir.path());
    CHECK(tally.count(tokenizer.encode("Hi <obs> you") == expected));
    CHECK(tally.count(tokenizer.is_special(1024) == added.special));
    CHECK(tally.count(tokenizer.decode(expected) == "Hi <obs> you"));
    CHECK(tally.count(logits_of(dir.path()).leftCols(1024) == logits_of(kTinyModel)));
  }
}

TEST_CASE(
    "A thought that a Jinja template opens is part of the answer, and the text and variables are part of the key") {
  if (!jinja_missing().empty()) return;
  Tally tally{"model directories (Jinja templates)"};
  const ModelDir dir;
  const std::string jinja =
      "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}{% if add_generation_prompt %}[answer]<think>"
      "{% if brief %}</think>{% endif %}{% endif %}";
  dir.write("chat_template.jinja", jinja);
  const auto prepared = [&](const char* variables) { return prepared_model(dir.path(), "tool_call", "", variables); };
  const PreparedModel thinks = prepared(""), brief = prepared(R"({"brief": true})"), odd = prepared(R"({"odd": 1})");
  CHECK(tally.count(thinks.reading.opened == "<think>"));
  CHECK(tally.count(brief.reading.opened.empty()));
  const auto key = [](const PreparedModel& model) { return model.tasks.front().key; };
  CHECK(tally.count(key(thinks) != key(brief)));
  CHECK(tally.count(odd.notes == std::vector<std::string>{"m: the chat template does not read the variable odd"}));
  const TempDir other;
  const std::string file = other.write("other.jinja", jinja + "!");
  CHECK(tally.count(key(prepared_model(dir.path(), "tool_call", file)) != key(thinks)));
  dir.write("chat_template.jinja", "{{ missing.name }}");
  CHECK(tally.count(error_of([&] { (void)prepared(""); }) ==
                    dir.path() +
                        "/chat_template.jinja: the chat template fails: UndefinedError: 'missing' is undefined"));
  CHECK(tally.count(context_of(prepared_model(dir.path(), "perplexity")) ==
                    context_of(prepared_model(kTinyModel, "perplexity"))));
}

TEST_CASE("Notes report a penalty that is not applied and a template that the tokenizer does not know") {
  Tally tally{"model directories (notes)"};
  const ModelDir penalty, other_marks;
  penalty.put("generation_config.json", R"("repetition_penalty":1.3)");
  const std::vector<std::string> notes = prepared_model(penalty.path(), "tool_call").notes;
  CHECK(tally.count(notes == std::vector<std::string>{
                                 "m: generation_config.json asks for repetition_penalty 1.3, which is not applied"}));
  CHECK(tally.count(logits_of(penalty.path()) == logits_of(kTinyModel)));
  RunTimes times;
  times.notes = notes;
  CHECK(tally.count(run_times_json(times, {}).find("\"notes\":[\"" + notes[0] + "\"]") != std::string::npos));

  other_marks.replace("tokenizer.json", "<|im_start|>", "<|begin|>");
  const auto unknown = prepared_model(other_marks.path(), "tool_call", "chatml").notes;
  REQUIRE(unknown.size() == 1);
  CHECK(tally.count(
      unknown[0].starts_with("m: the chat template's <|im_start|> is not one token of this tokenizer but ")));
  CHECK(tally.count(prepared_model(other_marks.path(), "tool_call", "none").notes.empty()));
  CHECK(tally.count(prepared_model(kTinyModel, "tool_call", "chatml").notes.empty()));
  const ModelDir no_end;
  no_end.put("generation_config.json", R"("eos_token_id":-1)");
  CHECK(tally.count(ModelConfig::load(no_end.path()).stop_tokens.empty()));
  CHECK(tally.count(logits_of(no_end.path()) == logits_of(kTinyModel)));
}
