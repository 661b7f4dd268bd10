#include <kvx/text/chat_split.hpp>
#include <kvx/text/chat_template.hpp>
#include <kvx/text/jinja_renderer.hpp>
#include <kvx/text/native_template.hpp>
#include <kvx/text/template_files.hpp>
#include <kvx/text/tokenizer_files.hpp>

#include <doctest/doctest.h>
#include <simdjson.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/error_of.hpp"
#include "support/jinja.hpp"
#include "support/reference.hpp"
#include "support/temp_dir.hpp"

using namespace kvx;

// The expected texts are those of transformers 5.2.0 with Jinja2 3.1.6, at the time kNow.
namespace {

const std::string kNow = "2026-03-04T05:06:07";

struct KnownText {
  std::string text, special_tokens;
};

std::string raw_json(const JsonValue& value) { return simdjson::minify(value.element()); }
std::string raw_member(const JsonValue& row, const char* name, const char* fallback) {
  const auto value = row.find(name);
  return value ? raw_json(*value) : fallback;
}

const std::map<std::string, KnownText>& template_texts() {
  static const auto texts = [] {
    std::map<std::string, KnownText> all;
    kvx_test::each_row(kvx_test::reference("templates/templates.jsonl").path, [&](const JsonValue& row) {
      all[std::string(row.at("name").string())] = {std::string(row.at("template").string()),
                                                   raw_json(row.at("special_tokens"))};
    });
    return all;
  }();
  return texts;
}

std::string render_request(const JsonValue& row, const std::string& jinja, const std::string& special_tokens) {
  const auto flag = [&](const char* name, bool fallback) {
    const auto value = row.find(name);
    return value ? value->boolean() : fallback;
  };
  return kvx_test::jinja_renderer().render({.jinja = jinja,
                                            .messages = raw_json(row.at("messages")),
                                            .tools = raw_member(row, "tools", "null"),
                                            .special_tokens = special_tokens,
                                            .variables = raw_member(row, "variables", "{}"),
                                            .add_generation_prompt = flag("add_generation_prompt", true),
                                            .continue_final_message = flag("continue_final_message", false),
                                            .now = kNow},
                                           "template");
}

/// The messages of a row; nullopt if they have members that Message does not have.
std::optional<std::vector<Message>> plain_messages(const JsonValue& row) {
  std::vector<Message> messages;
  bool plain = true;
  row.at("messages").each_element([&](const JsonValue& value) {
    Message message;
    value.each_member([&](std::string_view name, const JsonValue& member) {
      if (name == "role")
        message.role = member.string();
      else if (name == "content" && member.is_string())
        message.content = member.string();
      else if (name == "tool_calls" && member.is_array())
        member.each_element([&](const JsonValue& call) {
          const auto function = call.at("function"), arguments = function.at("arguments");
          plain = plain && arguments.is_object();
          message.tool_calls.push_back({std::string(function.at("name").string()), raw_json(arguments)});
        });
      else
        plain = plain && (name == "name" || name == "tool_call_id");
    });
    plain = plain && value.find("content").has_value() && message.role != "";
    messages.push_back(std::move(message));
  });
  return plain ? std::optional(messages) : std::nullopt;
}

ToolList tool_list(const JsonValue& row) {
  ToolList tools;
  if (const auto list = row.find("tools"))
    list->each_element([&](const JsonValue& tool) { tools.push_back(raw_json(tool)); });
  return tools;
}

/// Whether a native template, if the text is one, prints the row as expected.
bool native_agrees(const JsonValue& row, const std::string& jinja) {
  const NativeTemplate* native = native_template_of(jinja);
  const auto messages = plain_messages(row);
  if (native == nullptr || !messages || !row.find("rendered")) return true;
  const bool is_continued = row.find("continue_final_message") && row.at("continue_final_message").boolean();
  const ToolList tools = tool_list(row);
  const bool calls = std::ranges::any_of(*messages, [](const Message& some) { return !some.tool_calls.empty(); });
  if (is_continued || (!native->has_tools && (calls || !tools.empty()))) return true;
  const auto prompt = row.find("add_generation_prompt");
  return native->render(*messages, tools, prompt ? prompt->boolean() : true) == row.at("rendered").string();
}

}  // namespace

TEST_CASE("Templates render as in transformers, and native ones do without Jinja2") {
  kvx_test::Tally tally{"chat templates"}, native{"native chat templates"};
  tally.why = kvx_test::jinja_missing();
  const auto cases = kvx_test::reference("templates/cases.jsonl");
  kvx_test::each_row(cases.path, [&](const JsonValue& row) {
    const KnownText& known = template_texts().at(std::string(row.at("template").string()));
    CAPTURE(row.at("id").string());
    if (native_template_of(known.text) != nullptr) CHECK(native.count(native_agrees(row, known.text)));
    if (!kvx_test::jinja_missing().empty()) return void(++tally.not_applicable);
    try {
      const std::string text = render_request(row, known.text, known.special_tokens);
      const auto rendered = row.find("rendered");
      CHECK(tally.count(rendered && rendered->string() == text));
    } catch (const JinjaError& error) {
      const auto type = row.find("error_type");
      CHECK(tally.count(type && type->string() == error.type));
    }
  });
  CHECK(native.cases >= cases.at_least(20));
}

TEST_CASE("The end of the context is found in any template") {
  kvx_test::Tally tally{"template splits"};
  tally.why = kvx_test::jinja_missing();
  std::map<std::pair<std::string, std::string>, std::optional<ChatTemplate>> chats;  // each has a process
  const auto splits = kvx_test::reference("templates/context_split.jsonl");
  kvx_test::each_row(splits.path, [&](const JsonValue& row) {
    const KnownText& known = template_texts().at(std::string(row.at("template").string()));
    const std::string variables = raw_json(row.at("variables"));
    const auto [place, is_new] = chats.try_emplace({std::string(row.at("template").string()), variables});
    if (is_new)
      place->second = ChatTemplate::of_text(known.text, "FILE",
                                            {.variables = variables, .program = kvx_test::kRenderChat, .now = kNow},
                                            known.special_tokens);
    const ChatTemplate& chat = *place->second;
    if (!chat.is_native() && !kvx_test::jinja_missing().empty()) return void(++tally.not_applicable);
    CAPTURE(row.at("id").string());
    const auto system = row.find("system");
    const std::string context(row.at("context").string()), question(row.at("question").string());
    const auto parts = split_chat(chat, system ? system->string() : "", context, "\n" + question, "");
    CHECK(parts.context + parts.question == row.at("rendered").string());
    CHECK(tally.count(static_cast<std::int64_t>(parts.context.size()) == row.at("split_bytes").integer() &&
                      parts.question == row.at("tail").string()));
  });
}

TEST_CASE("Places in trimmed messages are the nearest ones, and other changes of messages are errors") {
  if (!kvx_test::jinja_missing().empty()) return;
  const auto chat_of = [](const std::string& text) {
    return ChatTemplate::of_text(text, "FILE", {.program = kvx_test::kRenderChat});
  };
  const std::string loop = "{% for m in messages %}[{{ m.role }}]";
  const auto trimmed = chat_of("{% for m in messages %}[{{ m.content | trim }}]{% endfor %}");
  const OneTurnChat turn(trimmed, " S\u00e9 ", " U ");
  CHECK(turn.text() == "[S\u00e9][U]");
  CHECK(turn.place_in_system(0) == 1);
  CHECK(turn.place_in_system(2) == 2);
  CHECK(turn.place_in_system(5) == 4);
  CHECK(turn.place_in_user(3) == 7);
  const std::string sum = loop + "{{ m.content | length }}{{ m.content[:3] }}{{ m.content[-20:] }}{% endfor %}";
  CHECK(error_of([&] {
          (void)split_chat(chat_of(sum), "", "abcdefghijklm", "nopqrstuvwxyz", "");
        }).starts_with("FILE: expected a chat template that prints the text of a message, found one that changes it"));
}

TEST_CASE("What a template leaves out is an error") {
  if (!kvx_test::jinja_missing().empty()) return;
  const std::string tool = R"({"type": "function", "function": {"name": "f", "description": "d.", "parameters":
      {"type": "object", "properties": {"a": {"type": "string", "description": "d."}}}}})";
  const Message system{"system", "S", {}}, user{"user", "U", {}}, call{"assistant", "", {{"f", R"({"a": "v"})"}}},
      result{"tool", "R", {}};
  int cases = 0;
  kvx_test::each_row(kvx_test::reference("templates/templates.jsonl").path, [&](const JsonValue& row) {
    const std::string name(row.at("name").string());
    CAPTURE(name);
    const auto chat =
        ChatTemplate::of_text(std::string(row.at("template").string()), "FILE",
                              {.program = kvx_test::kRenderChat, .now = kNow}, raw_json(row.at("special_tokens")));
    if (chat.is_native()) return;
    const auto fate = [&](const std::vector<Message>& messages, const ToolList& tools) -> std::string {
      try {
        (void)chat.render(messages, tools);
        return "kept";
      } catch (const JinjaError&) {
        return "error";
      } catch (const Error& error) {
        return std::string(error.what()).substr(std::string("FILE: the chat template leaves out ").size());
      }
    };
    const auto expected = [&](const char* capability, const char* part) {
      const std::string what(row.at("capabilities").at(capability).string());
      return what == "dropped" ? part : what == "error" ? "error" : "kept";
    };
    const ToolList tools = {tool}, given = name.ends_with("tool_use") ? tools : ToolList();
    CHECK(fate({system, user}, given) == expected("system", "the system message"));
    CHECK(fate({user}, tools) == expected("tools", "the tools"));
    const std::string object = expected("arguments_object", "call 1 of message 2"),
                      text = expected("arguments_text", "call 1 of message 2");
    const std::string calls = object == "error" ? text : object;
    const std::string rest = expected("tool_result", "message 3 (tool)");
    CHECK(fate({user, call, result}, given) == (calls != "kept" ? calls : rest));
    ++cases;
  });
  CHECK(cases >= 5);
  const auto gpt_oss = template_texts().find("gpt-oss");
  if (gpt_oss == template_texts().end()) return;
  const auto chat = ChatTemplate::of_text(gpt_oss->second.text, "FILE", {.program = kvx_test::kRenderChat, .now = kNow},
                                          gpt_oss->second.special_tokens);
  const Message two{"assistant", "", {{"f", "{}"}, {"g", "{}"}}};
  const std::vector<Message> messages = {user, two, result};
  CHECK(error_of([&] { (void)chat.render(messages); }) == "FILE: the chat template leaves out call 2 of message 2");
}

TEST_CASE("Hostile templates are refused or stopped, and lookalikes of native ones render as they are written") {
  kvx_test::Tally tally{"hostile templates"};
  tally.why = kvx_test::jinja_missing();
  kvx_test::each_row(kvx_test::reference("templates/hostile.jsonl").path, [&](const JsonValue& row) {
    const std::string jinja(row.at("template").string()), expect(row.at("expect").string());
    CAPTURE(row.at("id").string());
    CHECK(native_agrees(row, jinja));
    const auto rendered = row.find("rendered"), bytes = row.find("bytes");
    const bool depends_on_version = row.at("note").string().find("3.1.2") != std::string::npos;
    if (!kvx_test::jinja_missing().empty() || depends_on_version) return void(++tally.not_applicable);
    try {
      const std::string text = render_request(row, jinja, "{}");
      CHECK(tally.count(expect == "render" && (row.find("unstable") || (rendered && rendered->string() == text) ||
                                               (bytes && bytes->integer() == static_cast<std::int64_t>(text.size())))));
    } catch (const Error& error) {
      CAPTURE(error.what());
      CHECK(tally.count(expect != "render"));
    }
  });
}

TEST_CASE("The template and the special tokens of a model directory are those of transformers") {
  kvx_test::Tally tally{"template lookups"};
  tally.why = kvx_test::jinja_missing();
  kvx_test::each_row(kvx_test::reference("templates/lookup.jsonl").path, [&](const JsonValue& row) {
    const TempDir dir;
    row.at("files").each_member([&](std::string_view name, const JsonValue& text) {
      dir.write(std::string(name), std::string(text.string()));
    });
    CAPTURE(row.at("id").string());
    const auto tokens = JsonDocument::parse(TokenizerFiles(dir.path()).named_tokens_json(), "tokens");
    CHECK(raw_json(tokens.root()).size() == raw_json(row.at("special_tokens")).size());
    row.at("special_tokens").each_member([&](std::string_view name, const JsonValue& text) {
      CHECK(tokens.root().at(name).string() == text.string());
    });
    if (!kvx_test::jinja_missing().empty()) return void(++tally.not_applicable);
    const std::vector<Message> hi{{"user", "Hi", {}}};
    const auto rendered = row.find("rendered");
    try {
      const auto chat = ChatTemplate::load(
          dir.path(),
          {.variables = row.at("tools").boolean() ? R"({"tools": []})" : "", .program = kvx_test::kRenderChat});
      const std::string text = chat.rendered(hi, {}, true);
      CHECK(tally.count(rendered && rendered->string() == text));
    } catch (const Error&) {
      CHECK(tally.count(!rendered));
    }
  });
}
