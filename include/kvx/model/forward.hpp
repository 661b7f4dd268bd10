#pragma once

#include <kvx/cache/kv_cache.hpp>
#include <kvx/core/error.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/core/threads.hpp>
#include <kvx/core/token.hpp>
#include <kvx/kernels/rope.hpp>
#include <kvx/kernels/row_kernels.hpp>
#include <kvx/model/prefill.hpp>
#include <kvx/model/qwen2.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

namespace kvx::inline v0 {

/// New tokens of one sequence: a question, or the token just decoded.
struct Step {
  SequenceCache* sequence;
  std::span<const Token> tokens;
};

namespace detail {

/// Attention of one query over the rows of a shared prefix and the first `own` rows of a tail. `scores` holds a place
/// for each row; `out` is [head_dim].
inline void attend_rows(const float* query, const HeadCache& prefix, const HeadCache& tail, Index own, float* scores,
                        float* out) {
  const float scale = 1 / std::sqrt(static_cast<float>(tail.head_dim()));
  const RowKernels& kernels = row_kernels();
  const auto first = [](auto rows, Index count) { return view(rows.data(), count, rows.cols(), rows.outerStride()); };
  float* const own_scores = scores + prefix.rows();
  prefix.visit([&](auto keys, auto) { kernels.dot_rows(query, keys, scale, scores); });
  tail.visit([&](auto keys, auto) { kernels.dot_rows(query, first(keys, own), scale, own_scores); });
  kernels.softmax(scores, prefix.rows() + own);
  std::fill_n(out, tail.head_dim(), 0.0f);
  prefix.visit([&](auto, auto values) { kernels.weighted_sum(scores, values, out); });
  tail.visit([&](auto, auto values) { kernels.weighted_sum(own_scores, first(values, own), out); });
}

}  // namespace detail

/// Runs the new tokens of many sequences as one batch and appends their rows to the sequences' tails. Each sequence
/// occurs once. Returns the logits after each one's last token, [steps, vocab]; they are the same bits whatever else is
/// in the batch. Throws Error, before anything is changed, for a step without tokens, ids outside the
/// vocabulary and a sequence that grows too long.
inline Matrix<float> forward(const Qwen2& model, std::span<const Step> steps, Threads& threads) {
  const ModelConfig& config = model.config();
  struct Row {
    SequenceCache* sequence;
    Index own;  // rows of the tail that it sees: those before, the step's earlier tokens, itself
  };
  std::vector<Row> rows;
  std::vector<Token> tokens;
  std::vector<Position> positions;
  std::vector<Index> last;
  for (const Step& step : steps) {
    if (step.tokens.empty()) throw Error("step", "expected at least one token, found none");
    model.check(step.tokens, step.sequence->next_position);
    Index own = step.sequence->tail.layer(0).front().rows();
    Position position = step.sequence->next_position;
    for (const Token token : step.tokens) {
      rows.push_back({step.sequence, ++own});
      tokens.push_back(token);
      positions.push_back(position++);
    }
    last.push_back(static_cast<Index>(rows.size()) - 1);
  }
  const auto count = static_cast<Index>(rows.size());
  const RopeTable rope(model.inv_freq(), positions);
  Matrix<float> x = model.embed(tokens);
  Matrix<float> attended(count, config.heads * config.head_dim);
  const Index group = config.heads / config.kv_heads;
  for (Index l = 0; l < config.layers; ++l) {
    Matrix<float> qkv = model.project_qkv(l, x, threads);
    const auto queries = model.queries(qkv), keys = model.keys(qkv), values = model.values(qkv);
    detail::rotate(rope, queries);
    detail::rotate(rope, keys);
    for (Index t = 0; t < count; ++t)
      for (Index h = 0; h < config.kv_heads; ++h)
        rows[static_cast<std::size_t>(t)].sequence->tail.layer(l)[static_cast<std::size_t>(h)].append(
            positions[static_cast<std::size_t>(t)], keys.row(h, t), values.row(h, t));
    const auto out = TensorView<float>::token_major(attended.data(), config.heads, count, config.head_dim);
    threads.parallel_for(count * config.kv_heads, 1, [&](Index begin, Index end) {
      std::vector<float> scores;
      for (Index work = begin; work < end; ++work) {
        const Index t = work / config.kv_heads, h = work % config.kv_heads;
        const Row& row = rows[static_cast<std::size_t>(t)];
        const HeadCache& prefix = row.sequence->prefix->layer(l)[static_cast<std::size_t>(h)];
        scores.resize(static_cast<std::size_t>(prefix.rows() + row.own));
        for (Index i = h * group; i < (h + 1) * group; ++i)
          detail::attend_rows(queries.row(i, t), prefix, row.sequence->tail.layer(l)[static_cast<std::size_t>(h)],
                              row.own, scores.data(), out.row(i, t));
      }
    });
    model.finish_layer(l, attended, x, threads);
  }
  for (const Step& step : steps) step.sequence->next_position += static_cast<Position>(step.tokens.size());
  Matrix<float> ends(static_cast<Index>(last.size()), x.cols());
  for (Index s = 0; s < ends.rows(); ++s) ends.row(s) = x.row(last[static_cast<std::size_t>(s)]);
  return model.logits(ends, threads);
}

}  // namespace kvx::inline v0
