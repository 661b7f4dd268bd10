#pragma once

#include <kvx/text/chat_template.hpp>

#include <string>

#include "example_folder.hpp"

namespace kvx_cli {

inline constexpr const char* kTemplateHelp =
    "chat template: chatml, qwen2, qwen2.5, smollm2, none (plain text), or a file with a Jinja template; default: the "
    "model's own";
inline constexpr const char* kTemplateVarsHelp =
    "variables of the chat template, a JSON object such as {\"enable_thinking\": false}; its array tools has the tools";
inline constexpr const char* kTemplateDateHelp = "YYYY-MM-DD, the date that chat templates print; default: today";

/// How chat templates are rendered. Throws kvx::Error for a wrong date, for wrong variables, and for an unknown
/// `choice` of --template.
inline kvx::TemplateOptions template_options(const std::string& choice, const std::string& variables,
                                             const std::string& date) {
  kvx::TemplateOptions options{variables, example_data("render_chat.py"), kvx::time_of_date(date)};
  (void)kvx::TemplateVariables(variables);
  if (!choice.empty() && !kvx::ChatTemplate::is_file(choice)) (void)kvx::ChatTemplate::parse_name(choice, options);
  return options;
}

}  // namespace kvx_cli
