#include <kvx/text/chat_template.hpp>
#include <kvx/text/tokenizer.hpp>

#include <doctest/doctest.h>
#include <simdjson.h>

#include <filesystem>
#include <optional>
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
constexpr std::string_view kUnknown = "a chat template that kvx does not know; choose one by --template chatml|none";

const std::string kTurns =
    "{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";
const std::string kLoop = "{% for message in messages %}";
const std::string kDefault =
    "{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system\nBe brief.<|im_end|>\n' }}{% endif "
    "%}";

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

TEST_CASE("ChatML is recognized, with and without a default system prompt") {
  const auto plain = ChatTemplate::recognize(kLoop + kTurns, "file");
  CHECK(plain.render(kHi, {}, true) == "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n");
  CHECK(ChatTemplate::load(kTinyModel).render(kHi, {}, false) == "<|im_start|>user\nHi<|im_end|>\n");
  const auto brief = ChatTemplate::recognize(kLoop + kDefault + kTurns, "file");
  CHECK(brief.render(kHi, {}, false) == "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n");
  const std::vector<Message> with_system{{"system", "S", {}}, {"tool", "t", {}}};
  CHECK(brief.render(with_system, {}, false) == "<|im_start|>system\nS<|im_end|>\n<|im_start|>tool\nt<|im_end|>\n");
  const std::string models = environment("KVX_MODELS");
  if (!models.empty() && std::filesystem::exists(models + "/smollm2-135m"))
    CHECK(ChatTemplate::load(models + "/smollm2-135m").render(kHi, {}, true) ==
          "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n"
          "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n");
}

TEST_CASE("The template is that of the jinja file, otherwise that of the configuration or its list's default") {
  const TempDir dir;
  const auto load = [&] { return error_of([&] { (void)ChatTemplate::load(dir.path()); }); };
  const std::string config = dir.path() + "/tokenizer_config.json";
  const std::string none = config + ": no chat template; choose one by --template chatml|none";
  CHECK(load() == none);
  dir.write("tokenizer_config.json", "{}");
  CHECK(load() == none);
  dir.write("tokenizer_config.json", R"({"chat_template":[{"name":"tool_use","template":"x"}]})");
  CHECK(load() == none);
  dir.write("tokenizer_config.json",
            R"({"chat_template":[{"name":"a","template":"x"},{"name":"default","template":"y"}]})");
  CHECK(load() == config + ": field chat_template[1].template: " + std::string(kUnknown));
  dir.write("tokenizer_config.json", R"({"chat_template":"x"})");
  CHECK(load() == config + ": field chat_template: " + std::string(kUnknown));
  dir.write("tokenizer_config.json", R"({"chat_template":7})");
  CHECK(load() == config + ": field chat_template: expected an array, found 7");
  dir.write("chat_template.jinja", kLoop + kTurns + "\n");
  CHECK(load() == "");
}

TEST_CASE("Templates that only resemble known ones are refused") {
  const auto refused = [](const std::string& text) {
    return error_of([&] { (void)ChatTemplate::recognize(text, "file"); }) == "file: " + std::string(kUnknown);
  };
  CHECK(refused(""));
  CHECK(refused("{{ eos_token }}" + kLoop + kTurns));
  CHECK(refused("{{ bos_token + 'x' }}" + kLoop + kTurns));  // an error in Jinja if bos_token is not set
  CHECK(refused("{% raw %}" + kLoop + kTurns + "{% endraw %}"));
  CHECK(refused(kLoop + kTurns + "{% if add_generation_prompt %}x{% endif %}"));
  CHECK(refused(kLoop + "{{'<|im_start|>' + message['role'] + '\n' + message['content'] | trim + '<|im_end|>' + '\n'}}"
                        "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"));
  CHECK(
      refused("{% for message in messages %}{{ '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n' + "
              "message['content'] | trim + '<|eot_id|>' }}{% endfor %}"));
  CHECK(
      refused("{% for message in messages %}{% if message['role'] == 'user' %}{{ '[INST] ' + message['content'] + "
              "' [/INST]' }}{% endif %}{% endfor %}"));
  const std::string model = environment("KVX_MODELS") + "/qwen-coder-0.5b/tokenizer_config.json";
  if (!std::filesystem::exists(model)) return;
  const auto document = JsonDocument::load(model);
  const std::string qwen(document.root().at("chat_template").string());
  CHECK(!refused(qwen));
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
           {"{%- if add_generation_prompt %}", "{{- '<think>' }}{%- if add_generation_prompt %}"},
           {"<tool_response>", "<tool_result>"},
           {"{%- if tools %}", "{%- if not tools %}"},
           {"<function-name>", "<name>"},
           {"You are Qwen,", "You are Other,"}}) {  // one of the two default prompts
    std::string other = qwen;
    other.replace(other.find(from), from.size(), to);
    CHECK(refused(other));
  }
}

TEST_CASE("Blanks, tabs and line ends of a template are rendered as Jinja renders them") {
  // The expected texts are those of transformers 5.2 with Jinja2 3.1.6.
  const std::string turn = "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}",
                    open = "{{ '<|im_start|>assistant\\n' }}";
  const std::vector<Message> two{{"user", "Hi", {}}, {"assistant", "Yes", {}}};
  const auto rendered = [&](const std::string& jinja, bool answer, const std::optional<std::string>& bos = {}) {
    return ChatTemplate::recognize(jinja, "file", bos).render(two, {}, answer);
  };
  const std::string user = "<|im_start|>user\nHi<|im_end|>\n", yes = "<|im_start|>assistant\nYes<|im_end|>\n",
                    assistant = "<|im_start|>assistant\n";
  const std::string indented = "{% for message in messages %}\n    " + turn +
                               "\n{%- endfor %}\n{% if add_generation_prompt %}\n    " + open + "\n{%- endif %}";
  CHECK(rendered(indented, true) == "    " + user + "    " + yes + "    " + assistant);
  CHECK(rendered(indented, false) == "    " + user + "    " + yes);
  CHECK(rendered("{% for message in messages %}\n\n" + turn + "{% endfor %}{% if add_generation_prompt %}" + open +
                     "{% endif %}\n",
                 true) == "\n" + user + "\n" + yes + assistant);
  CHECK(rendered("{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}"
                 "{{ '<|im_start|>system\\nRules:\\t1. short<|im_end|>\\n' }}{% endif %}" +
                     turn + "{% endfor %}{% if add_generation_prompt %}" + open + "{% endif %}",
                 true) == "<|im_start|>system\nRules:\t1. short<|im_end|>\n" + user + yes + assistant);
  CHECK(rendered("{% if not add_generation_prompt is defined %}{% set add_generation_prompt = false %}{% endif %}"
                 "{% for message in messages %}" +
                     turn + "{% endfor %}{% if add_generation_prompt %}" + open + "{% endif %}",
                 false) == user + yes);
  CHECK(rendered(kLoop + kTurns + "{{ '<think>' }}", true) == user + yes + assistant + "<think>");
  const std::string bos = "{{ bos_token }}" + kLoop + kTurns;
  CHECK(rendered(bos, true) == user + yes + assistant);
  CHECK(rendered(bos, true, "<s>") == "<s>" + user + yes + assistant);
  const auto chat = ChatTemplate::recognize("{{ bos_token + 'x' }}" + kLoop + kTurns, "file", "<s>");
  CHECK(chat.system_opening() == "<s>x<|im_start|>system\n");
  CHECK(chat.answer_opening() == "<|im_end|>\n<|im_start|>assistant\n");
  CHECK(chat.marks() == std::vector<std::string>{"<|im_start|>", "<|im_end|>"});
}

TEST_CASE("A template can be chosen by name, and an unknown name is an error") {
  const std::vector<Message> two{{"system", "S", {}}, {"user", "U", {}}};
  CHECK(ChatTemplate::parse_name("none").render(two, {}, true) == "SU");
  CHECK(ChatTemplate::parse_name("chatml").render(kHi, {}, false) == "<|im_start|>user\nHi<|im_end|>\n");
  CHECK(error_of([] { (void)ChatTemplate::parse_name("llama"); }) ==
        "template: expected chatml, none or qwen2.5, found llama");
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
