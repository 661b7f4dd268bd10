#pragma once

#include <kvx/cache/cache_shape.hpp>
#include <kvx/core/error.hpp>
#include <kvx/core/resident_bytes.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/core/token.hpp>
#include <kvx/eval/records/model_name.hpp>
#include <kvx/eval/run/answer_reading_of.hpp>
#include <kvx/eval/run/model_notes.hpp>
#include <kvx/eval/run/options.hpp>
#include <kvx/eval/run/planned_cells.hpp>
#include <kvx/eval/run/prompts.hpp>
#include <kvx/eval/run/repeat_prompt.hpp>
#include <kvx/eval/run/run_key.hpp>
#include <kvx/eval/run/task_data.hpp>
#include <kvx/io/number_text.hpp>
#include <kvx/model/config.hpp>
#include <kvx/model/locate.hpp>
#include <kvx/model/pressed_allowance.hpp>
#include <kvx/model/repeat_context.hpp>
#include <kvx/model/sampler.hpp>
#include <kvx/model/working_memory.hpp>
#include <kvx/press/budget_of.hpp>
#include <kvx/score/judged_text.hpp>
#include <kvx/score/task.hpp>
#include <kvx/text/chat_template.hpp>
#include <kvx/text/post_processor.hpp>
#include <kvx/text/tokenizer.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// A model whose weights are not loaded yet, and the tasks as it reads them.
struct PreparedModel {
  std::string name, dir;
  ModelConfig config;
  Tokenizer tokenizer;
  std::vector<TaskPrompts> tasks = {};
  RepeatPrompt repeat = {};
  AnswerReading reading = {};
  std::vector<std::string> notes = {};  ///< notes for a reader, each with the model's name
};

namespace detail {

/// The tokens around a plain text, for a key; empty if there are none.
inline std::string frame_text(const TextFrame& frame) {
  std::string text;
  for (const auto& [name, tokens] : {std::pair{" before", &frame.before}, {" after", &frame.after}})
    for (const Token token : *tokens) text += std::string(name) + "=" + std::to_string(token);
  return text;
}

/// The chat template of a model. It may be missing or fail if only plain texts are predicted; then it is `none`.
inline ChatTemplate template_of(const std::string& dir, std::span<const TaskData> data, const EvalOptions& options) {
  const bool chats = std::ranges::any_of(
      data, [](const TaskData& some) { return some.task.kind() == TaskKind::answers || !some.references.empty(); });
  try {
    ChatTemplate chat = ChatTemplate::choose(options.chat, dir, options.templates);
    if (!chats) (void)answer_opening(chat);
    return chat;
  } catch (const Error&) {
    if (chats || !options.chat.empty()) throw;
    return ChatTemplate::parse_name("none");
  }
}

/// The options that a task's answers depend on, besides model, data and formats. With several files, the amount that is
/// taken of each is among them, since it determines the indices of samples from the next file on.
inline std::string answer_settings(const TaskData& data, const EvalOptions& options, const ChatTemplate& chat,
                                   const TextFrame& frame) {
  const bool several = data.files.size() > 1;
  const auto taken = [&](std::size_t most) { return several ? " taken=" + std::to_string(most) : std::string(); };
  std::string prompts = "template=" + (options.chat.empty() ? "" : chat.name()) + chat.settings();
  if (data.task.kind() != TaskKind::answers || options.chat == "none") prompts += frame_text(frame);
  const std::string pieces = " length=" + std::to_string(options.pieces.length);
  const std::string cut = " max_context_length=" + std::to_string(options.max_context_length);
  std::string own;
  for (const NamedSpan& span : options.spans) own += " span=" + span.name + "=" + format_value(span.tokens);
  if (data.task.kind() == TaskKind::answers || !data.references.empty())
    for (const std::string& id : options.skip_ids) own += " skip=" + id;
  if (data.task.kind() == TaskKind::answers) {
    for (const ThoughtMarks& marks : options.thoughts) own += " think=" + marks.open + "," + marks.close;
    if (options.tool_forms) own += " tool_format=" + options.tool_forms->text();
  }
  own += data.task.settings();
  switch (data.task.kind()) {
    case TaskKind::predicts:
      return prompts + pieces + own + " prefix_ratio=" + six_digits(options.pieces.prefix_ratio) +
             taken(options.pieces.most) + (data.references.empty() ? "" : cut);
    case TaskKind::is_timed:
      return prompts + pieces + own + " gen_tokens=" + std::to_string(options.timing.gen_tokens) +
             " threads=" + std::to_string(options.threads) + taken(options.timing.pieces);
    case TaskKind::answers:
      break;
  }
  const SamplerOptions& sampler = options.sampler;
  return prompts + cut + own + (options.entropy ? " entropy" : "") +
         " max_new_tokens=" + std::to_string(max_new_tokens(options, std::string(data.task.name()))) +
         " temperature=" + six_digits(sampler.temperature) +
         (sampler.temperature == 0 ? ""
                                   : " top_k=" + std::to_string(sampler.top_k) + " top_p=" + six_digits(sampler.top_p) +
                                         " seed=" + std::to_string(sampler.seed));
}

inline void expect_memory(std::size_t bytes, const EvalOptions& options) {
  if (bytes >= options.memory)
    throw Error("memory", "expected more than " + std::to_string(bytes >> 20) +
                              "M for the weights and one context, found " + std::to_string(options.memory >> 20) + "M");
}

}  // namespace detail

/// The bytes that a context takes for its prefill and for the rows that its cells keep, before answers are decoded.
inline std::size_t context_bytes(const ModelConfig& config, const PromptGroup& group,
                                 std::span<const PlannedCell> cells, const CacheShape& shape) {
  const auto rows = static_cast<Index>(group.context.size());
  Index kept = 0;
  for (const PlannedCell& planned : cells)
    if (planned.name.query_aware == group.query_aware)
      kept +=
          budget_of(planned.cell.policy, pressed_allowance(config, planned.cell.allowance, rows, shape), rows, shape)
              .keep *
          shape.layers * shape.kv_heads;
  return prefill_bytes(config, rows, shape) + static_cast<std::size_t>(kept) * sizeof(Index);
}

/// Reads all of a model but its weights, and tokenizes the data. Throws Error, also where the memory does not hold
/// weights and contexts.
inline PreparedModel prepare_model(const NamedModel& named, std::span<const TaskData> data,
                                   std::span<const PlannedCell> cells, const EvalOptions& options) {
  const std::string dir = locate_model(named.where);
  // A wrong name is reported before the model's files are read.
  if (!options.chat.empty() && !ChatTemplate::is_file(options.chat))
    (void)ChatTemplate::parse_name(options.chat, options.templates);
  PreparedModel model{named.name, dir, ModelConfig::load(dir), Tokenizer::load(dir)};
  const ChatTemplate chat = detail::template_of(dir, data, options);
  const bool plain_text =
      std::ranges::any_of(data, [](const TaskData& some) { return some.task.kind() != TaskKind::answers; });
  for (const std::string& note : model_notes(model.config, model.tokenizer, chat, plain_text))
    model.notes.push_back(named.name + ": " + note);
  model.repeat = repeat_prompt(model.tokenizer, chat);
  model.reading = answer_reading_of(dir, options);
  model.reading.opened = opened_thought(answer_opening(chat), model.reading.thoughts);
  const Prompter prompter{model.tokenizer, chat, options.max_context_length, model.config.max_positions, options.spans};
  const CacheShape shape{model.config.layers, model.config.kv_heads, model.config.head_dim, options.dtype};
  const std::uint64_t hash = hash_model(dir);
  std::size_t most = 0;
  for (const TaskData& of_task : data) {
    const std::string settings = detail::answer_settings(of_task, options, chat, model.tokenizer.frame());
    std::string key = run_key(hash, of_task.bytes(), settings, options.weights, options.dtype);
    model.tasks.push_back(task_prompts(of_task, std::move(key), options, dir, model.config, prompter));
    for (const PromptGroup& group : model.tasks.back().groups)
      most = std::max(most, context_bytes(model.config, group, cells, shape));
  }
  detail::expect_memory(resident_bytes() + model.config.matrix_bytes(options.weights) + most, options);
  return model;
}

}  // namespace kvx::inline v0
