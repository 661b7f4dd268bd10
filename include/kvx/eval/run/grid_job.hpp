#pragma once

#include <kvx/core/error.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/core/token.hpp>
#include <kvx/eval/run/scored_context.hpp>
#include <kvx/model/sampler.hpp>

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

namespace kvx::inline v0 {

/// A question about a context: its tokens, the largest number of tokens of an answer, and how these are chosen.
struct Question {
  std::vector<Token> tokens;
  Index max_new_tokens;
  SamplerOptions sampler = {};  ///< attempt i uses the seed plus i
};

/// One question to be answered from one cell.
struct GridJob {
  std::size_t cell, question;
  std::size_t attempt = 0;
};

/// A finished answer.
struct GridAnswer {
  std::span<const Token> tokens;
  /// In nats, of the model's distribution before each token. Empty unless BatchLimits::entropy.
  std::span<const double> entropy;
  double seconds;  ///< its part of the steps' times; a step's time is divided among its sequences by their rows
  const NotApplicable* failure = nullptr;  ///< why the press stopped; if not null, there is no answer
};

/// A context, and the questions to be answered from its cells. Jobs start in their order, so the jobs of one cell
/// should follow each other.
struct GridContext {
  ScoredContext scored;
  std::vector<Question> questions;
  std::vector<GridJob> jobs;                                         ///< at least one
  std::function<void(const GridJob&, const GridAnswer&)> on_answer;  ///< called with each finished answer
};

/// Limits and options of a batch.
struct BatchLimits {
  Index sequences = 64;
  std::size_t bytes = 0;  ///< for contexts, the caches of their cells, the tails of sequences and their activations
  bool draft = false;     ///< whether the base's answers are drafts for the other cells of the context
  bool entropy = false;   ///< whether answers have their entropies
};

}  // namespace kvx::inline v0
