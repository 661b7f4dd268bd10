#pragma once

#include <kvx/core/error.hpp>
#include <kvx/io/json/json_tree.hpp>
#include <kvx/io/json/json_tree_text.hpp>
#include <kvx/io/json/json_writer.hpp>
#include <kvx/io/json/jsonl.hpp>
#include <kvx/score/row_form.hpp>
#include <kvx/score/sample.hpp>
#include <kvx/score/system_prompt.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace kvx::inline v0 {

namespace detail {

inline const std::string& without_marks(const std::string& text, const JsonlRow& row, const char* column) {
  if (text.find("<kvx:") != text.npos || text.find("</kvx:") != text.npos)
    throw Error(row.where(),
                std::string("column ") + column + ": expected text without the marks of spans, found <kvx:");
  return text;
}

/// The text of the message at `index`, whose role must be `role`.
inline const std::string& message_of(const JsonlRow& row, std::size_t index, std::string_view role) {
  const JsonTree& messages = row.at("messages");
  const bool two = messages.array() != nullptr && messages.array()->size() == 2;
  const JsonTree* found_role = two ? (*messages.array())[index].find("role") : nullptr;
  const JsonTree* content = two ? (*messages.array())[index].find("content") : nullptr;
  if (found_role == nullptr || *found_role != JsonTree(std::string(role)) || content == nullptr ||
      content->string() == nullptr)
    throw Error(row.where(),
                "column messages: expected one message of the system and one of the user, found another form");
  return without_marks(*content->string(), row, "messages");
}

}  // namespace detail

/// Whether a row has the columns of IFEval.
inline bool is_ifeval_row(const JsonlRow& row) {
  return row.find("instruction_id_list") != nullptr && row.find("kwargs") != nullptr;
}

/// The sample of a row of IFEval (Zhou et al., Apache-2.0), whose prompt becomes the context; or of SystemCheck's
/// IFEval (MIT), whose instructions become a system message in the form of `system`. Throws Error if a column is
/// missing or of another type.
inline Sample ifeval_sample(const JsonlRow& row, const SystemPrompt& system = {}) {
  constexpr int kTokens = 1280;
  JsonWriter answer;
  answer.begin_object().key("prompt").value(row.string("prompt"));
  answer.key("instruction_id_list").raw(row.json("instruction_id_list")).key("kwargs").raw(row.json("kwargs"));
  if (const JsonTree* key = row.find("key")) write_json(*key, answer.key("key"));
  answer.end_object();
  Sample sample{"", "", "", answer.text(), "ifeval", kTokens};
  if (row.find("messages") == nullptr) {
    sample.context = detail::without_marks(row.string("prompt"), row, "prompt");
  } else {
    sample.system = system.text(detail::message_of(row, 0, "system"));
    sample.question = detail::message_of(row, 1, "user");
    sample.task = "sys_ifeval";
  }
  return sample;
}

/// Reads rows of IFEval by ifeval_sample().
inline RowReader ifeval_reader(RowFile& file) {
  return [&file](const JsonlRow& row) { return ifeval_sample(row, file.options.system); };
}
/// The form of the rows of IFEval.
inline constexpr RowForm kIfevalForm = {"IFEval", is_ifeval_row, ifeval_reader};

}  // namespace kvx::inline v0
