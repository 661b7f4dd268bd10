#include <kvx/text/chat_split.hpp>
#include <kvx/text/chat_template.hpp>
#include <kvx/text/tokenizer.hpp>

#include <doctest/doctest.h>
#include <simdjson.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "support/error_of.hpp"
#include "support/reference.hpp"
#include "support/temp_dir.hpp"

using namespace kvx;
using namespace kvx_test;

namespace {

std::string json_text(const JsonValue& value) { return simdjson::minify(value.element()); }

std::string render_row(const ChatTemplate& chat, const JsonValue& row) {
  std::vector<Message> messages;
  row.at("messages").each_element([&](const JsonValue& entry) {
    Message message{std::string(entry.at("role").string()), "", {}};
    if (const auto content = entry.find("content")) message.content = content->string();
    if (const auto calls = entry.find("tool_calls"))
      calls->each_element([&](const JsonValue& call) {
        const auto function = call.at("function");
        message.tool_calls.push_back({std::string(function.at("name").string()), json_text(function.at("arguments"))});
      });
    messages.push_back(std::move(message));
  });
  ToolList tools;
  if (const auto list = row.find("tools"))
    list->each_element([&](const JsonValue& tool) { tools.push_back(json_text(tool)); });
  return chat.render(messages, tools, row.at("add_generation_prompt").boolean());
}

const std::vector<Message> kHi{{"user", "Hi", {}}};

const std::string kLoop = "{% for message in messages %}";
const std::string kTurns =
    "{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

}  // namespace

TEST_CASE("Qwen2.5's renderings equal the references, and so do their ids if the model is available") {
  Tally tally{"chat renderings"}, ids{"chat ids"};
  const std::string model = environment("KVX_MODELS") + "/qwen-coder-0.5b";
  const bool has_model = !environment("KVX_MODELS").empty() && std::filesystem::exists(model);
  if (!has_model) ids.why = "no model in KVX_MODELS";
  const auto tokenizer = has_model ? std::optional(Tokenizer::load(model)) : std::nullopt;
  const auto chat = has_model ? ChatTemplate::load(model) : ChatTemplate::parse_name("qwen2.5");
  const auto reference = kvx_test::reference("tokenizer/chat.jsonl");
  each_row(reference.path, [&](const JsonValue& row) {
    const std::string text = render_row(chat, row);
    CAPTURE(row.at("id").integer());
    CHECK(text == row.at("rendered").string());
    tally.count(text == row.at("rendered").string());
    if (tokenizer) {
      CHECK(ids.count(tokenizer->encode(text) == tokens(row.at("ids"))));
    } else {
      ++ids.not_applicable;
    }
  });
  CHECK(tally.cases >= reference.at_least(31));
}

TEST_CASE("Templates that kvx knows are native, and texts that differ by one byte are not") {
  const auto plain = ChatTemplate::of_text(kLoop + kTurns, "file");
  CHECK(plain.is_native());
  CHECK(plain.render(kHi) == "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n");
  CHECK(plain.marks() == std::vector<std::string>{"<|im_start|>", "<|im_end|>"});
  CHECK(ChatTemplate::load(kTinyModel).is_native());
  CHECK(ChatTemplate::load(kTinyModel).render(kHi, {}, false) == "<|im_start|>user\nHi<|im_end|>\n");
  for (const auto& other : {" " + kLoop + kTurns, kLoop + kTurns + "\n", kLoop + "\n" + kTurns, std::string(),
                            "{{ bos_token }}" + kLoop + kTurns})
    CHECK_FALSE(ChatTemplate::of_text(other, "file").is_native());
  CHECK_FALSE(ChatTemplate::of_text(kLoop + kTurns, "file", {.variables = R"({"a": 1})"}).is_native());
  CHECK_FALSE(ChatTemplate::of_text(kLoop + kTurns, "file", {.variables = R"({"tools": []})"}).is_native());
  const std::string models = environment("KVX_MODELS");
  if (!models.empty() && std::filesystem::exists(models + "/smollm2-135m"))
    CHECK(ChatTemplate::load(models + "/smollm2-135m").render(kHi) ==
          "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n"
          "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n");
}

TEST_CASE("A model without a template, and one whose templates have other names, are errors") {
  const TempDir dir;
  const auto load = [&] { return error_of([&] { (void)ChatTemplate::load(dir.path()); }); };
  const std::string config = dir.path() + "/tokenizer_config.json";
  const std::string none = config + ": no chat template; choose one by --template chatml|none";
  CHECK(load() == none);
  dir.write("tokenizer_config.json", "{}");
  CHECK(load() == none);
  dir.write("tokenizer_config.json", R"({"chat_template":[{"name":"tool_use","template":"x"}]})");
  CHECK(load() ==
        config + ": expected a chat template named default, found tool_use; choose one by --template chatml|none");
  dir.write("tokenizer_config.json", R"({"chat_template":7})");
  CHECK(load() == config + ": field chat_template: expected an array, found 7");
  dir.write("tokenizer_config.json", R"({"chat_template":"version https://git-lfs.github.com/spec/v1"})");
  CHECK(load().starts_with(config + ": field chat_template: expected a chat template, found a Git LFS pointer"));
}

TEST_CASE("A template that is not native needs render_chat.py, and the error names both ways out") {
  const auto chat = ChatTemplate::of_text("{{ messages }}", "FILE");
  const std::string error = error_of([&] { (void)chat.render(kHi); });
  CHECK(error.starts_with("FILE: kvx renders this chat template by Jinja2 in a sandbox, which does not work ("));
  CHECK(
      error.ends_with("install python3, python3-jinja2 and bubblewrap, or choose a template that needs none of them "
                      "by --template chatml|qwen2|qwen2.5|smollm2|none"));
}

TEST_CASE("Variables of templates are a JSON object without what kvx sets") {
  const auto refused = [](const std::string& variables) {
    return error_of([&] { (void)ChatTemplate::of_text("{{ a }}", "FILE", {.variables = variables}); });
  };
  CHECK(refused("").empty());
  CHECK(refused("{\"a\": 1}").empty());
  CHECK(refused("[1]") == "template-vars: expected a JSON object, found [1]");
  CHECK(refused("{").starts_with("template-vars: not valid JSON: "));
  CHECK(refused("{\"messages\": []}") == "template-vars: expected no messages, which kvx sets");
  CHECK(refused("{\"tools\": 1}") == "template-vars: field tools: expected an array, found 1");
  CHECK(error_of([] { (void)ChatTemplate::parse_name("chatml", {.variables = "{\"a\": 1}"}); }) ==
        "template-vars: expected none for the template chatml, which reads no variables");
  const auto chat = ChatTemplate::of_text("{{ a }}", "FILE", {.variables = R"({"a": 1, "bc": 2})"});
  CHECK(chat.unread_variables() == std::vector<std::string>{"bc"});
  CHECK(chat.settings() != ChatTemplate::of_text("{{ b }}", "FILE", {.variables = R"({"a": 1, "bc": 2})"}).settings());
  CHECK(chat.settings() != ChatTemplate::of_text("{{ a }}", "FILE", {.variables = R"({"a": 1, "bc": 3})"}).settings());
}

TEST_CASE("A template can be chosen by name, and an unknown name is an error") {
  const std::vector<Message> two{{"system", "S", {}}, {"user", "U", {}}};
  CHECK(ChatTemplate::parse_name("none").render(two, {}, true) == "SU");
  CHECK(ChatTemplate::parse_name("chatml").render(kHi, {}, false) == "<|im_start|>user\nHi<|im_end|>\n");
  CHECK(error_of([] { (void)ChatTemplate::parse_name("llama"); }) ==
        "template: expected chatml, qwen2, qwen2.5, smollm2, none or a file with a chat template, found llama");
  const TempDir dir;
  dir.write("t.jinja", kLoop + kTurns);
  CHECK(ChatTemplate::choose(dir.path() + "/t.jinja", kTinyModel).render(kHi, {}, false) ==
        "<|im_start|>user\nHi<|im_end|>\n");
  CHECK(ChatTemplate::choose("smollm2", kTinyModel).render(two, {}, false) ==
        "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nU<|im_end|>\n");
  CHECK(ChatTemplate::choose("", kTinyModel).render(kHi, {}, false) == "<|im_start|>user\nHi<|im_end|>\n");
}

TEST_CASE("Tools, tool calls and roles that a template does not support are errors") {
  const auto chatml = ChatTemplate::parse_name("chatml"), qwen = ChatTemplate::parse_name("qwen2.5");
  const std::vector<Message> call{{"assistant", "", {{"f", "{}"}}}}, odd{{"user", "", {{"f", "{}"}}}},
      role{{"bot", "", {}}};
  const std::vector<Message> broken{{"assistant", "", {{"f", "{"}}}};
  const auto refused = [](const ChatTemplate& chat, const std::vector<Message>& messages, const ToolList& tools) {
    return error_of([&] { (void)chat.render(messages, tools, true); });
  };
  CHECK(refused(chatml, kHi, {"{}"}) == "tools: this chat template does not support them");
  CHECK(refused(chatml, call, {}) ==
        "tool_calls: this chat template does not support them in a message of role assistant");
  CHECK(refused(qwen, odd, {}) == "tool_calls: this chat template does not support them in a message of role user");
  CHECK(refused(qwen, role, {}) == "role: expected system, user, assistant or tool, found bot");
  CHECK(refused(qwen, kHi, {"{}", "{"}).starts_with("tools[1]: not valid JSON: "));
  CHECK(refused(qwen, broken, {}).starts_with("arguments of the call of f: not valid JSON: "));
}

TEST_CASE("A chat is split where the context ends") {
  const auto chatml = ChatTemplate::parse_name("chatml");
  const auto parts = split_chat(chatml, "", "A\n", "Q?", "{\"");
  CHECK(parts.context == "<|im_start|>user\nA\n");
  CHECK(parts.question == "Q?<|im_end|>\n<|im_start|>assistant\n{\"");
  const auto qwen = split_chat(ChatTemplate::parse_name("qwen2.5"), "S", "C", "", "");
  CHECK(qwen.context == "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nC");
  CHECK(qwen.question == "<|im_end|>\n<|im_start|>assistant\n");
  const auto bare = split_chat(ChatTemplate::parse_name("none"), "S ", "C ", "Q", "A");
  CHECK(bare.context == "S C ");
  CHECK(bare.question == "QA");
}
