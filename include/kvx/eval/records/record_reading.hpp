#pragma once

#include <kvx/core/error.hpp>
#include <kvx/io/json/json_tree.hpp>
#include <kvx/io/json/json_writer.hpp>
#include <kvx/score/judged_text.hpp>
#include <kvx/score/sample.hpp>
#include <kvx/score/thought_marks.hpp>
#include <kvx/score/tool_call/tool_forms.hpp>

#include <string>
#include <vector>

namespace kvx::inline v0 {

/// How an answer was read before it was graded: the differences from AnswerReading's defaults.
struct RecordReading {
  std::vector<ThoughtMarks> thoughts = {};  ///< marks of thoughts besides <think>
  ToolForms tool_forms = {};
  std::string opened = {};  ///< as in AnswerReading

  /// The differences of `reading` from the defaults. Its first marks are the default and are left out.
  static RecordReading of(const AnswerReading& reading) {
    return {{reading.thoughts.begin() + 1, reading.thoughts.end()}, reading.tool_forms, reading.opened};
  }
  AnswerReading reading() const {
    AnswerReading reading = AnswerReading::with(thoughts, tool_forms);
    reading.opened = opened;
    return reading;
  }
  bool operator==(const RecordReading&) const = default;
};

/// Writes the members `thoughts`, `tool_forms` and `opened_thought` of a record. Empty ones are left out.
inline void write_reading(const RecordReading& reading, JsonWriter& out) {
  if (!reading.thoughts.empty()) {
    out.key("thoughts").begin_array();
    for (const ThoughtMarks& marks : reading.thoughts)
      out.begin_object().key("open").value(marks.open).key("close").value(marks.close).end_object();
    out.end_array();
  }
  if (!reading.tool_forms.empty()) out.key("tool_forms").value(reading.tool_forms.text());
  if (!reading.opened.empty()) out.key("opened_thought").value(reading.opened);
}

/// Reads what write_reading() wrote. Throws Error, which names line and column, for anything else.
inline RecordReading reading_of(const JsonlRow& row) {
  RecordReading reading;
  if (const JsonTree* all = row.find("thoughts"); all != nullptr) {
    const auto mark = [&](const JsonTree& marks, const char* name) {
      const JsonTree* text = marks.find(name);
      if (text == nullptr || text->string() == nullptr || text->string()->empty())
        throw Error(row.where(), std::string("column thoughts: expected objects with a non-empty string ") + name);
      return *text->string();
    };
    if (all->array() == nullptr)
      throw Error(row.where(), "column thoughts: expected an array, found " + std::string(all->type()));
    for (const JsonTree& marks : *all->array()) reading.thoughts.push_back({mark(marks, "open"), mark(marks, "close")});
  }
  if (row.find("opened_thought") != nullptr) reading.opened = row.string("opened_thought");
  if (row.find("tool_forms") != nullptr) try {
      reading.tool_forms = ToolForms::parse(row.string("tool_forms"));
    } catch (const Error& error) {
      throw Error(row.where(), std::string("column tool_forms: ") + error.what());
    }
  return reading;
}

}  // namespace kvx::inline v0
