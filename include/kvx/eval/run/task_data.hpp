#pragma once

#include <kvx/core/error.hpp>
#include <kvx/eval/run/options.hpp>
#include <kvx/eval/run/prompts.hpp>
#include <kvx/eval/run/text_pieces.hpp>
#include <kvx/io/text_file.hpp>
#include <kvx/model/config.hpp>
#include <kvx/score/choose_samples.hpp>
#include <kvx/score/sample.hpp>
#include <kvx/score/sample_file.hpp>
#include <kvx/score/task.hpp>
#include <kvx/text/tokenizer.hpp>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

namespace detail {

/// `wiki.test` of data/wiki.test.raw.gz.
inline std::string text_name(const std::filesystem::path& path) {
  return (path.extension() == ".gz" ? path.stem() : path).stem().string();
}

}  // namespace detail

/// The data of one task: texts that are to be predicted or gone on from, or samples that are to be answered.
struct TaskData {
  struct Text {
    std::string path, text, answers = {};  // SampleFile's
  };

  AnyTask task;
  std::vector<Text> files = {};
  std::vector<Sample> samples = {};          ///< all samples of the files
  std::vector<std::string> places = {};      ///< file and line of each sample
  std::vector<std::size_t> taken = {};       ///< the indices of the samples that are used
  std::vector<std::string> references = {};  ///< one for each sample, if references are to be predicted
  std::string reference_bytes = {};          ///< all data that the references depend on
  std::vector<std::string> skipped = {};     ///< the ids of rows that were left out

  /// Reads the files and checks that the used samples belong to the task. If the options ask for it, a task that
  /// predicts texts also predicts the references of `others`. Throws Error.
  TaskData(AnyTask of, const EvalOptions& options, std::span<const TaskData> others = {}) : task(std::move(of)) {
    const auto own = options.task_data.find(std::string(task.name()));
    for (const auto& path : own == options.task_data.end() ? std::vector{options.data} : own->second) {
      const auto same = [&](const Text& file) { return detail::text_name(file.path) == detail::text_name(path); };
      if (task.kind() != TaskKind::answers && std::any_of(files.begin(), files.end(), same))
        throw Error(path, "expected texts of different names, found " + detail::text_name(path) + " twice");
      files.push_back({path, read_text_file(path)});
    }
    if (task.kind() == TaskKind::predicts && options.references)
      for (const TaskData& other : others) add_references(other);
    if (task.kind() != TaskKind::answers) return;
    for (auto& [path, text, answers] : files) {
      SampleFile file = task.samples(path, text, {options.chat == "none", options.skip_ids});
      for (const std::size_t s : choose_samples(contexts_of(file.samples), options.samples)) {
        (void)at_place(file.places[s], [&] { return task.grade(file.samples[s], ""); });
        taken.push_back(samples.size() + s);
      }
      samples.insert(samples.end(), std::make_move_iterator(file.samples.begin()),
                     std::make_move_iterator(file.samples.end()));
      places.insert(places.end(), file.places.begin(), file.places.end());
      skipped.insert(skipped.end(), file.skipped.begin(), file.skipped.end());
      answers = std::move(file.answers);
    }
  }

  /// All that answers depend on.
  std::string bytes() const {
    std::string all;
    for (const Text& file : files) all.append(file.text).append(1, '\0').append(file.answers).append(1, '\0');
    return all.append(reference_bytes);
  }

 private:
  /// A name for the context of each sample, or for what several contexts share. A sample without a context is a context
  /// of its own.
  std::vector<std::string> contexts_of(std::span<const Sample> some) const {
    std::vector<std::string> names;
    for (const Sample& sample : some) {
      names.push_back(task.context(sample));
      if (names.back().empty()) names.back() = "#" + std::to_string(names.size());
    }
    return names;
  }

  /// Adds all samples of a task that has references, so that a sample's index does not depend on how many are used.
  void add_references(const TaskData& other) {
    if (!other.task.has_references()) return;
    const std::size_t first = samples.size();
    samples.insert(samples.end(), other.samples.begin(), other.samples.end());
    places.insert(places.end(), other.places.begin(), other.places.end());
    references.resize(samples.size());
    reference_bytes += other.bytes();
    for (const std::size_t s : other.taken) {
      auto reference = other.task.reference(other.samples[s]);
      if (!reference || reference->empty()) continue;
      taken.push_back(first + s);
      references[first + s] = std::move(*reference);
    }
  }
};

/// One task as a model reads it.
struct TaskPrompts {
  std::string task, key;             ///< the key of its records
  std::vector<Sample> samples = {};  ///< of a text's piece only the name of the text and the number of its tokens
  std::vector<PromptGroup> groups = {};
};

namespace detail {

/// A sample for each piece of each text, and a group of its own.
/// Where `generated` tokens follow, the context is the whole piece.
inline void add_pieces(const TaskData& data, const PieceOptions& options, std::optional<Index> generated, Token eos,
                       const Prompter& prompter, TaskPrompts& prompts) {
  if (options.length > prompter.max_positions)
    throw Error("max-length", "expected at most the model's " + std::to_string(prompter.max_positions) +
                                  " positions, found " + std::to_string(options.length));
  for (const auto& [path, text, answers] : data.files)
    for (TextPiece& piece : text_pieces(path, text, prompter.tokenizer, eos, options)) {
      const std::size_t index = prompts.samples.size();
      Sample& sample = prompts.samples.emplace_back();
      sample.task = text_name(path);
      sample.max_new_tokens = static_cast<int>(generated.value_or(std::ssize(piece.suffix)));
      std::vector<Token> context = std::move(piece.prefix);
      if (generated) context.insert(context.end(), piece.suffix.begin(), piece.suffix.end());
      PromptGroup& group = prompts.groups.emplace_back(prompter.group(std::move(context)));
      group.prompts.push_back({index, generated ? std::vector<Token>() : std::move(piece.suffix)});
    }
}

}  // namespace detail

/// Tokenizes a task's data. Throws Error for data that does not fit the model of that directory and configuration.
inline TaskPrompts task_prompts(const TaskData& data, std::string key, const EvalOptions& options,
                                const std::string& model_dir, const ModelConfig& config, const Prompter& prompter) {
  TaskPrompts prompts{std::string(data.task.name()), std::move(key)};
  if (data.task.kind() == TaskKind::answers) {
    prompts.samples = data.samples;
    prompts.groups = prompter.groups(data.samples, data.places, data.taken);
    if (options.query_aware)
      for (PromptGroup& group : prompter.groups(data.samples, data.places, data.taken, true))
        prompts.groups.push_back(std::move(group));
    return prompts;
  }
  PieceOptions pieces = options.pieces;
  const bool timed = data.task.kind() == TaskKind::is_timed;
  if (timed) {
    pieces.most = options.timing.pieces;
    if (const Index end = pieces.length + options.timing.gen_tokens; end > prompter.max_positions)
      throw Error("gen-tokens", "expected at most the model's " + std::to_string(prompter.max_positions) +
                                    " positions with max-length, found " + std::to_string(end));
  }
  const auto generated = timed ? std::optional(options.timing.gen_tokens) : std::nullopt;
  // References come before the pieces of the text, so their indices do not depend on the number of pieces.
  prompts.samples = data.samples;
  prompts.groups = prompter.groups(data.samples, data.places, data.taken, false, data.references);
  detail::add_pieces(data, pieces, generated, eos_token(model_dir, prompter.tokenizer, config), prompter, prompts);
  return prompts;
}

}  // namespace kvx::inline v0
