#pragma once

#include <kvx/core/dtype.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/eval/text_pieces.hpp>
#include <kvx/kernels/packed_matrix.hpp>
#include <kvx/model/sampler.hpp>

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

/// What an evaluation is asked for.
struct EvalOptions {
  std::vector<std::string> models, tasks;
  std::vector<std::string> presses;     ///< written forms
  std::vector<double> ratios;           ///< 0 is the base, whatever the press
  std::optional<Index> keep;            ///< instead of ratios: rows per KV head
  std::optional<std::size_t> kv_bytes;  ///< instead of ratios: bytes over all layers and heads
  std::string data;                     ///< of the tasks that have none of their own: JSONL, plain or gzip
  std::map<std::string, std::vector<std::string>> task_data;  ///< files by task; texts for perplexity and latency
  std::size_t limit = 0;                                      ///< the first so many lines of each JSONL; 0 takes all
  PieceOptions pieces;           ///< of texts that are predicted; those that are timed have their length
  TimingOptions timing;          ///< of generations that are timed, after whole pieces of texts
  bool references = false;       ///< have the other tasks' reference answers predicted too
  bool query_aware = false;      ///< add a cell of each that has question and context compressed
  std::size_t attempts = 1;      ///< answers to each sample
  SamplerOptions sampler;        ///< how the tokens of answers are chosen
  Index max_new_tokens = 0;      ///< 0: as each sample says
  Index max_context_length = 0;  ///< a longer context is cut to its first tokens; 0 cuts none
  Dtype dtype = Dtype::bf16;     ///< of the cache
  WeightFormat weights = WeightFormat::bf16;
  std::string chat;                           ///< chat template by name; empty: the model's own
  std::optional<std::uint64_t> seed;          ///< for presses that draw lots and have none of their own
  int threads = 0;                            ///< 0 takes every core
  std::size_t memory = std::size_t{4} << 30;  ///< bytes that the process may occupy
  Index max_batch = 64;                       ///< sequences decoded at a time
  bool draft = false;                         ///< see BatchLimits
  std::string out;                            ///< directory of the records and results
  std::string config;                         ///< all of it as text, one setting a line: kConfigFile has it
};

}  // namespace kvx::inline v0
