#pragma once

#include <kvx/cache/kv_cache.hpp>
#include <kvx/core/error.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/core/threads.hpp>
#include <kvx/core/token.hpp>
#include <kvx/kernels/attend.hpp>
#include <kvx/kernels/rope.hpp>
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

/// A new token of a sequence.
struct StepRow {
  SequenceCache* sequence;
  Index own;  // rows of the tail that it sees: those before, the step's earlier tokens, itself
};

/// Attention of KV head `h` of layer `l` for rows [first, last), which share a prefix: over that all together, then
/// over each one's tail. `queries` and `out` are [heads, rows, head_dim].
inline void attend_cached(std::span<const StepRow> rows, Index l, Index h, Index first, Index last,
                          TensorView<const float> queries, TensorView<float> out) {
  const auto head_of = [&](const KvCache& cache) -> const HeadCache& {
    return cache.layer(l)[static_cast<std::size_t>(h)];
  };
  const auto row = [&](Index t) -> const StepRow& { return rows[static_cast<std::size_t>(t)]; };
  const HeadCache& prefix = head_of(*row(first).sequence->prefix);
  const float scale = 1 / std::sqrt(static_cast<float>(prefix.head_dim()));
  const Index group = queries.heads() / static_cast<Index>(row(first).sequence->tail.layer(l).size());
  std::vector<AttentionQuery> all;
  for (Index t = first; t < last; ++t)
    for (Index i = h * group; i < (h + 1) * group; ++i) {
      std::fill_n(out.row(i, t), out.head_dim(), 0.0f);
      all.push_back({queries.row(i, t), out.row(i, t), prefix.rows()});
    }
  const auto over = [&](const HeadCache& head, std::span<AttentionQuery> some) {
    head.visit([&](auto keys, auto values) { attend<typename decltype(keys)::Scalar>(some, keys, values, scale); });
  };
  over(prefix, all);
  for (Index t = first; t < last;) {
    const Index begin = t;
    for (; t < last && row(t).sequence == row(begin).sequence; ++t)
      for (Index g = 0; g < group; ++g) all[static_cast<std::size_t>((t - first) * group + g)].seen = row(t).own;
    over(head_of(row(begin).sequence->tail), std::span(all).subspan(static_cast<std::size_t>((begin - first) * group),
                                                                    static_cast<std::size_t>((t - begin) * group)));
  }
  finish_attention(all, out.head_dim());
}

}  // namespace detail

/// Runs the new tokens of many sequences as one batch and appends their rows to the sequences' tails. Each sequence
/// occurs once. Returns the logits after each one's last token, [steps, vocab]; they are the same bits whatever else is
/// in the batch. Throws Error, before anything is changed, for a step without tokens, ids outside the
/// vocabulary and a sequence that grows too long.
inline Matrix<float> forward(const Qwen2& model, std::span<const Step> steps, Threads& threads) {
  const ModelConfig& config = model.config();
  std::vector<detail::StepRow> rows;
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
  // Rows that are attended together: enough to share the work on a prefix, few enough to keep every thread busy.
  const Index most = std::clamp<Index>(count * config.kv_heads / (4 * threads.count()), 1, 32);
  std::vector<Index> chunks = {0};
  for (Index t = 1; t < count; ++t)
    if (t - chunks.back() == most ||
        rows[static_cast<std::size_t>(t)].sequence->prefix != rows[static_cast<std::size_t>(t - 1)].sequence->prefix)
      chunks.push_back(t);
  chunks.push_back(count);
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
    threads.parallel_for(static_cast<Index>(chunks.size() - 1) * config.kv_heads, 1, [&](Index begin, Index end) {
      for (Index work = begin; work < end; ++work) {
        const auto chunk = static_cast<std::size_t>(work / config.kv_heads);
        detail::attend_cached(rows, l, work % config.kv_heads, chunks[chunk], chunks[chunk + 1], queries, out);
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
