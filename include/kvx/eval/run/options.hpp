#pragma once

#include <kvx/core/dtype.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/core/token_span.hpp>
#include <kvx/eval/run/text_pieces.hpp>
#include <kvx/kernels/packed_matrix.hpp>
#include <kvx/model/sampler.hpp>
#include <kvx/score/choose_samples.hpp>
#include <kvx/score/judged_text.hpp>
#include <kvx/score/thought_marks.hpp>
#include <kvx/score/tool_call/tool_forms.hpp>
#include <kvx/text/template_options.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace kvx::inline v0 {

/// How generations are timed.
struct TimingOptions {
  std::size_t pieces = 20;   ///< of each text; 0 takes all
  Index gen_tokens = 32;     ///< generated after each
  std::size_t warm_ups = 4;  ///< generations before the first that counts
};

/// The options of an evaluation.
struct EvalOptions {
  std::vector<std::string> models, tasks;
  std::vector<std::string> presses;     ///< written forms
  std::vector<double> ratios;           ///< 0 is the base, whatever the press
  std::optional<Index> keep;            ///< instead of ratios: rows per KV head
  std::optional<std::size_t> kv_bytes;  ///< instead of ratios: bytes over all layers and heads
  std::string data;                     ///< of the tasks that have none of their own: JSONL, plain or gzip
  std::map<std::string, std::vector<std::string>> task_data;  ///< files by task; texts for perplexity and latency
  SampleChoice samples;                                       ///< of each JSONL file
  std::vector<std::string> skip_ids;                          ///< lines to leave out, by key, id or task_id
  PieceOptions pieces;           ///< of texts that are predicted; those that are timed have their length
  TimingOptions timing;          ///< of generations that are timed, after whole pieces of texts
  bool references = false;       ///< have the other tasks' reference answers predicted too
  std::vector<NamedSpan> spans;  ///< of every context, before those that its marks name
  bool generate = true;          ///< false: have nothing answered
  bool entropy = false;          ///< record the entropy of the model's distribution before each token of an answer
  bool analyze_kept = false;     ///< count which tokens of each context every cell keeps
  bool query_aware = false;      ///< add a cell of each that has question and context compressed
  std::size_t attempts = 1;      ///< answers to each sample
  SamplerOptions sampler;        ///< how the tokens of answers are chosen
  Index max_new_tokens = 0;      ///< of tasks that have none of their own; 0: as each sample says
  std::map<std::string, Index> task_max_new_tokens;  ///< by task
  Index max_context_length = 0;                      ///< a longer context is cut to its first tokens; 0 cuts none
  Dtype dtype = Dtype::bf16;                         ///< of the cache
  WeightFormat weights = WeightFormat::bf16;
  std::string chat;                           ///< chat template by name or file; empty: the model's own
  TemplateOptions templates;                  ///< how chat templates are rendered
  std::vector<ThoughtMarks> thoughts;         ///< marks of thoughts, besides <think> and those of chat templates
  std::optional<ToolForms> tool_forms;        ///< forms accepted as calls; default: as the chat template asks for
  std::optional<std::uint64_t> seed;          ///< for presses that draw lots and have none of their own
  int threads = 0;                            ///< 0 takes every core
  std::size_t memory = std::size_t{4} << 30;  ///< bytes that the process may occupy
  Index max_batch = 64;                       ///< sequences decoded at a time
  bool draft = false;                         ///< see BatchLimits
  bool progress = true;                       ///< a bar on stderr, where that is a terminal
  std::string out;                            ///< directory of the records and results
  std::string config;                         ///< all of it as text, one setting a line: kConfigFile has it

  /// How predictions become answers, whatever the model's chat template says.
  AnswerReading reading() const { return AnswerReading::with(thoughts, tool_forms.value_or(ToolForms())); }
};

/// The longest answers of a task; 0: as each sample says.
inline Index max_new_tokens(const EvalOptions& options, const std::string& task) {
  const auto own = options.task_max_new_tokens.find(task);
  return own == options.task_max_new_tokens.end() ? options.max_new_tokens : own->second;
}

}  // namespace kvx::inline v0
