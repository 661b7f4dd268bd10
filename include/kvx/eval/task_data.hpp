#pragma once

#include <kvx/eval/options.hpp>
#include <kvx/eval/prompts.hpp>
#include <kvx/eval/text_pieces.hpp>
#include <kvx/io/text_file.hpp>
#include <kvx/model/config.hpp>
#include <kvx/score/code_samples.hpp>
#include <kvx/score/sample.hpp>
#include <kvx/score/task.hpp>
#include <kvx/text/chat_template.hpp>
#include <kvx/text/tokenizer.hpp>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// The data of one task: a text that is to be predicted, or samples that are to be answered.
struct TaskData {
  AnyTask task;
  std::string path, text;  ///< the file, and what is in it
  std::vector<Sample> samples = {};
  std::vector<std::string> wheres = {};  ///< file and line of each sample

  /// Reads the file and checks that its samples are of the task. Throws Error.
  TaskData(AnyTask of, const EvalOptions& options) : task(std::move(of)) {
    const auto own = options.task_data.find(std::string(task.name()));
    path = own == options.task_data.end() ? options.data : own->second;
    text = read_text_file(path);
    if (task.predicts()) return;
    const bool completion = options.chat == "none";
    each_row(path, text, [&](const JsonlRow& row) {
      if (options.limit > 0 && samples.size() == options.limit) return;
      samples.push_back(is_code_row(row) ? code_sample(row, completion) : row.sample());
      wheres.push_back(row.where());
      (void)grade_at(row.where(), task, samples.back(), "");
    });
  }
};

/// One task as a model reads it.
struct TaskPrompts {
  std::string task, key;        ///< the key of its records
  std::vector<Sample> samples;  ///< of a text's piece only the name of the text and the number of predicted tokens
  Prompts prompts;
};

/// Tokenizes a task's data. Throws Error for what does not fit the model.
inline TaskPrompts task_prompts(const TaskData& data, std::string key, const EvalOptions& options,
                                const std::string& model_dir, const ModelConfig& config, const Tokenizer& tokenizer,
                                const ChatTemplate& chat) {
  const std::string name(data.task.name());
  if (!data.task.predicts())
    return {name, std::move(key), data.samples,
            Prompts(data.samples, data.wheres, tokenizer, chat, options.max_context_length, config.max_positions)};
  if (options.pieces.length > config.max_positions)
    throw Error("max-length", "expected at most the model's " + std::to_string(config.max_positions) +
                                  " positions, found " + std::to_string(options.pieces.length));
  const auto pieces = text_pieces(data.path, data.text, tokenizer, eos_token(model_dir, tokenizer), options.pieces);
  std::vector<Sample> samples;
  for (const TextPiece& piece : pieces) {
    Sample& sample = samples.emplace_back();
    sample.task = std::filesystem::path(data.path).stem().string();
    sample.max_new_tokens = static_cast<int>(piece.suffix.size());
  }
  return {name, std::move(key), std::move(samples), Prompts(pieces)};
}

}  // namespace kvx::inline v0
