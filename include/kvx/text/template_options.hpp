#pragma once

#include <kvx/core/error.hpp>
#include <kvx/io/json/json.hpp>
#include <kvx/io/json/json_writer.hpp>
#include <kvx/text/chat_message.hpp>
#include <kvx/text/python/python_json.hpp>

#include <cstddef>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kvx::inline v0 {

/// How chat templates are rendered.
struct TemplateOptions {
  std::string variables = {};  ///< a JSON object, such as {"enable_thinking": false}; its array `tools` has the tools
  std::string program = {};    ///< the path of render_chat.py, for templates that are not native
  std::string now = {};        ///< the time that templates see, YYYY-MM-DDTHH:MM:SS; empty: the time of loading
};

/// The variables of a chat template.
struct TemplateVariables {
  std::string members = "{}";           ///< a JSON object of all but the tools
  std::vector<std::string> names = {};  ///< of these members
  std::optional<ToolList> tools = {};   ///< none: not given

  TemplateVariables() = default;
  /// Reads a JSON object; an empty text is an empty one. Throws Error for anything else, and for members that kvx sets.
  explicit TemplateVariables(std::string_view json) {
    if (json.empty()) return;
    const JsonDocument document = JsonDocument::parse(json, "template-vars");
    if (!document.root().is_object()) document.root().fail("a JSON object");
    JsonWriter out;
    out.begin_object();
    document.root().each_member([&](std::string_view name, const JsonValue& value) {
      std::string text;
      detail::write_python_json(value.element(), text);
      if (name == "messages" || name == "add_generation_prompt")
        throw Error("template-vars", "expected no " + std::string(name) + ", which kvx sets");
      if (name != "tools") {
        out.key(name).raw(text);
        names.emplace_back(name);
      } else if (!value.is_null()) {
        tools.emplace();
        value.each_element([&](const JsonValue& tool) {
          tools->emplace_back();
          detail::write_python_json(tool.element(), tools->back());
        });
      }
    });
    members = out.end_object().text();
  }
};

namespace detail {

/// The local time as YYYY-MM-DDTHH:MM:SS.
inline std::string local_time() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::localtime_r(&now, &parts);
  char text[32];
  const std::size_t size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  return {text, size};
}

}  // namespace detail

/// The beginning of the day `date`, YYYY-MM-DD, in the form of TemplateOptions::now; empty for an empty text. Throws
/// Error for anything else.
inline std::string time_of_date(const std::string& date) {
  if (date.empty()) return "";
  std::tm parts{};
  const char* end = ::strptime(date.c_str(), "%Y-%m-%d", &parts);
  ::timegm(&parts);  // a day that does not exist becomes another one
  char text[32] = {};
  std::strftime(text, sizeof text, "%Y-%m-%d", &parts);
  if (end == nullptr || *end != '\0' || date != text)
    throw Error("template-date", "expected YYYY-MM-DD, found " + detail::shortened(date, 40));
  return date + "T00:00:00";
}

}  // namespace kvx::inline v0
