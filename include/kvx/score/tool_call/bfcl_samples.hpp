#pragma once

#include <kvx/core/error.hpp>
#include <kvx/io/json/json_tree.hpp>
#include <kvx/io/json/jsonl.hpp>
#include <kvx/io/text_file.hpp>
#include <kvx/score/row_form.hpp>
#include <kvx/score/sample.hpp>
#include <kvx/score/tool_call/tool_samples.hpp>

#include <cstddef>
#include <filesystem>
#include <map>
#include <string>
#include <utility>

namespace kvx::inline v0 {

/// Whether a row has the columns of the Berkeley Function-Calling Leaderboard.
inline bool is_bfcl_row(const JsonlRow& row) { return row.has_all({"id", "question", "function"}); }

/// The samples of a file of the Berkeley Function-Calling Leaderboard (Patil et al., 2025; v4, Apache-2.0) with single
/// turns and Python functions: simple_python, multiple, parallel, parallel_multiple, irrelevance. The answers are in
/// the file of the same name in the folder possible_answer next to it. Requests of irrelevance must be declined.
class BfclSamples {
 public:
  /// Appends the file of answers to file.answers as soon as a row needs it.
  explicit BfclSamples(RowFile& file) : file_(file) {}

  /// The sample of a row. Throws Error for a row of another form and for one without an answer.
  Sample sample(const JsonlRow& row) {
    const std::string& id = row.string("id");
    const std::string category = id.substr(0, id.rfind('_'));
    if (category.find("java") != category.npos)
      throw Error(row.where(), "expected functions in Python, found " + category);
    const JsonTree::Array functions = detail::functions_of(row.at("function"), row.where() + ": column function");
    std::string answer = detail::declined_answer();
    std::size_t calls = 0;
    if (category.find("irrelevance") == category.npos) {
      const JsonTree& possible = possible_answers(id, row.where());
      calls = possible.array() == nullptr ? 0 : possible.array()->size();
      answer = detail::possible_answer(JsonTree(functions), possible);
    }
    return detail::tool_sample(row.where(), row.json("function"), request(row), std::move(answer), "bfcl_" + category,
                               calls);
  }

 private:
  static std::string request(const JsonlRow& row) {
    const auto fail = [&] {
      throw Error(row.where(), "column question: expected one turn of user messages, found something else");
    };
    const JsonTree& turns = row.at("question");
    if (turns.array() == nullptr || turns.array()->size() != 1 || turns.array()->front().array() == nullptr) fail();
    std::string text;
    for (const JsonTree& message : *turns.array()->front().array()) {
      const JsonTree *role = message.find("role"), *content = message.find("content");
      if (role == nullptr || *role != JsonTree("user") || content == nullptr || content->string() == nullptr) fail();
      text += (text.empty() ? "" : "\n") + *content->string();
    }
    return text;
  }

  const JsonTree& possible_answers(const std::string& id, const std::string& where) {
    const std::filesystem::path path = file_.path;
    const std::string file = (path.parent_path() / "possible_answer" / path.filename()).string();
    if (answers_.empty()) {
      const std::string text = read_text_file(file);
      each_jsonl_row(file, text,
                     [&](const JsonlRow& row) { answers_.emplace(row.string("id"), row.at("ground_truth")); });
      file_.answers += text;
    }
    const auto found = answers_.find(id);
    if (found == answers_.end()) throw Error(where, "expected an answer to " + id + " in " + file + ", found none");
    return found->second;
  }

  RowFile& file_;
  std::map<std::string, JsonTree> answers_;
};

/// Reads rows of BFCL by BfclSamples.
inline RowReader bfcl_reader(RowFile& file) {
  return [samples = BfclSamples(file)](const JsonlRow& row) mutable { return samples.sample(row); };
}
/// The form of the rows of BFCL.
inline constexpr RowForm kBfclForm = {"BFCL", is_bfcl_row, bfcl_reader};

}  // namespace kvx::inline v0
