#pragma once

#include <kvx/cache/kv_cache.hpp>
#include <kvx/cache/sequence_cache.hpp>
#include <kvx/core/error.hpp>
#include <kvx/core/scratch.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/core/threads.hpp>
#include <kvx/core/token.hpp>
#include <kvx/kernels/attend.hpp>
#include <kvx/kernels/attend_quantized.hpp>
#include <kvx/kernels/rope.hpp>
#include <kvx/model/decoder.hpp>
#include <kvx/model/workspace.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>

namespace kvx::inline v0 {

/// New tokens of one sequence: a question, or the token just decoded.
struct Step {
  SequenceCache* sequence;
  std::span<const Token> tokens;
  Index steps = 1;  ///< how many steps the tokens count as; see LayerStep
};

namespace detail {

/// Computes attention over all rows of a head, first over those that are quantized.
inline void attend_head(const HeadCache& head, std::span<AttentionQuery> queries, const LayerAttention& attention) {
  head.visit([&](auto keys, auto values) {
    using T = typename decltype(keys)::Scalar;
    if (const QuantizedRows* const quantized = head.quantized_keys(); quantized != nullptr && quantized->rows() > 0) {
      attend_quantized<T>(queries, quantized->view(), head.quantized_values()->view(), values, attention.scale,
                          head.key_bias(), head.positions(), attention.path);
      for (AttentionQuery& query : queries) {
        query.seen -= quantized->rows();
        query.first = std::max<Index>(0, query.first - quantized->rows());
      }
    }
    attend<T>(queries, keys, rows_of(values, values.rows() - keys.rows(), keys.rows()), attention.scale,
              attention.path);
  });
}

/// Computes the attention of KV head `h` of layer `l` for rows [first, last), whose sequences share a prefix: for all
/// rows at once over the prefix, then over the tail of each sequence. `queries` and `out` are [heads, rows, head_dim].
inline void attend_cached(std::span<const StepRow> rows, Index l, Index h, Index first, Index last,
                          TensorView<const float> queries, TensorView<float> out, const LayerAttention& attention) {
  const auto head_of = [&](const KvCache& cache) -> const HeadCache& {
    return cache.layer(l)[static_cast<std::size_t>(h)];
  };
  const auto row = [&](Index t) -> const StepRow& { return rows[static_cast<std::size_t>(t)]; };
  const HeadCache& prefix = head_of(*row(first).sequence->prefix);
  const Index group = queries.heads() / static_cast<Index>(row(first).sequence->tail.layer(l).size());
  const auto count = static_cast<std::size_t>((last - first) * group);
  const std::span chunk(scratch<StepRow, AttentionQuery>(count), count);
  std::size_t index = 0;
  for (Index t = first; t < last; ++t) {
    const Index first_row = attention.first_row(prefix.positions(), row(t).position);
    for (Index i = h * group; i < (h + 1) * group; ++i) {
      std::fill_n(out.row(i, t), out.head_dim(), 0.0f);
      chunk[index] = {queries.row(i, t), out.row(i, t), prefix.rows()};
      chunk[index++].first = first_row;
    }
  }
  attend_head(prefix, chunk, attention);
  for (Index t = first; t < last;) {
    const Index begin = t;
    const HeadCache& tail = head_of(row(begin).sequence->tail);
    for (; t < last && row(t).sequence == row(begin).sequence; ++t) {
      const Index first_row = attention.first_row(tail.positions(), row(t).position);
      for (Index g = 0; g < group; ++g) {
        AttentionQuery& query = chunk[static_cast<std::size_t>((t - first) * group + g)];
        query.seen = tail.rows() - row(t).later;
        query.first = first_row;
      }
    }
    attend_head(tail,
                std::span(chunk).subspan(static_cast<std::size_t>((begin - first) * group),
                                         static_cast<std::size_t>((t - begin) * group)),
                attention);
  }
  finish_attention(chunk, out.head_dim());
}

/// Checks the steps and lists the tokens of all of them in `work`.
inline void list_tokens(const Decoder& model, std::span<const Step> steps, Workspace& work) {
  work.step_rows.clear();
  work.tokens.clear();
  work.positions.clear();
  work.firsts.assign(1, 0);
  for (const Step& step : steps) {
    if (step.tokens.empty()) throw Error("step", "expected at least one token, found none");
    model.check(step.tokens, step.sequence->next_position);
    Index later = static_cast<Index>(step.tokens.size());
    Position position = step.sequence->next_position;
    for (const Token token : step.tokens) {
      work.step_rows.push_back({step.sequence, --later, position});
      work.tokens.push_back(token);
      work.positions.push_back(position++);
    }
    work.firsts.push_back(static_cast<Index>(work.tokens.size()));
  }
}

/// Describes a row of the batch for an error message: its sequence, if there are several, and its position.
inline std::string place_in_batch(const Workspace& work, Index row) {
  const std::string position = "position " + std::to_string(work.positions[static_cast<std::size_t>(row)]);
  if (work.firsts.size() == 2) return position;
  const auto sequence = std::upper_bound(work.firsts.begin(), work.firsts.end(), row) - work.firsts.begin() - 1;
  return "sequence " + std::to_string(sequence) + " of the batch, " + position;
}

/// Divides the rows into chunks whose attention is computed at once. The rows of a chunk have the same prefix. A chunk
/// is large, to save work on the prefix, but there are enough chunks to keep every thread busy.
inline void cut_chunks(Index kv_heads, Workspace& work, const Threads& threads) {
  const std::span<const StepRow> rows = work.step_rows;
  const auto count = static_cast<Index>(rows.size());
  const Index max_rows = std::clamp<Index>(count * kv_heads / (2 * threads.count()), 1, 32);
  const auto prefix = [&](Index t) { return rows[static_cast<std::size_t>(t)].sequence->prefix.get(); };
  work.chunks.assign(1, 0);
  for (Index t = 1; t < count; ++t)
    if (t - work.chunks.back() == max_rows || prefix(t) != prefix(t - 1)) work.chunks.push_back(t);
  work.chunks.push_back(count);
}

/// Removes rows that the token at `next` and later ones do not see, because their window ends before them. It removes
/// whole blocks, so that the blocks of attention over the remaining rows stay the same.
inline void drop_unseen(LayerCache& layer, Position next, const LayerAttention& attention) {
  for (HeadCache& head : layer)
    if (const Index blocks = attention.first_row(head.positions(), next) / kAttentionBlock; blocks > 0)
      head.remove_first(blocks * kAttentionBlock);
}

}  // namespace detail

/// Runs the new tokens of many sequences as one batch and appends their rows to the sequences' tails. A sequence must
/// not occur twice. Returns the hidden states after the last layer, [tokens, hidden], step by step; their bits do not
/// depend on the rest of the batch. Throws Error, before anything is changed, for a step without tokens, ids outside
/// the vocabulary and a sequence that grows too long; and, when rows have already been appended, for hidden states that
/// are not finite.
inline MatrixView<float> forward_hidden(const Decoder& model, std::span<const Step> steps, Workspace& work,
                                        Threads& threads) {
  const ModelConfig& config = model.config();
  detail::list_tokens(model, steps, work);
  detail::cut_chunks(config.kv_heads, work, threads);
  model.fill(work.ropes, work.positions);
  const auto count = static_cast<Index>(work.tokens.size());
  auto x = model.embed(work.tokens, work, threads);
  auto attended = work.attended.rows(count, config.layer().queries());
  const auto out = TensorView<float>::token_major(attended.data(), config.heads, count, config.head_dim);
  for (Index l = 0; l < config.layers; ++l) {
    auto qkv = model.project_qkv(l, read_only(x), work, threads);
    const auto queries = model.queries(qkv), keys = model.keys(qkv), values = model.values(qkv);
    const RopeTable& rope = model.table(work.ropes, l);
    const LayerAttention attention = model.attention(l);
    threads.parallel_for(static_cast<Index>(steps.size()), 8, [&](Index begin, Index end) {
      for (Index s = begin; attention.window > 0 && s < end; ++s) {
        SequenceCache& sequence = *steps[static_cast<std::size_t>(s)].sequence;
        detail::drop_unseen(sequence.tail.layer(l), sequence.next_position, attention);
      }
      for (Index t = work.firsts[static_cast<std::size_t>(begin)]; t < work.firsts[static_cast<std::size_t>(end)];
           ++t) {
        for (Index i = 0; i < config.heads; ++i) rope.rotate(t, queries.row(i, t));
        const auto index = static_cast<std::size_t>(t);
        for (Index h = 0; h < config.kv_heads; ++h) {
          rope.rotate(t, keys.row(h, t));
          work.step_rows[index].sequence->tail.layer(l)[static_cast<std::size_t>(h)].append(
              work.positions[index], keys.row(h, t), values.row(h, t));
        }
      }
    });
    threads.parallel_for(static_cast<Index>(work.chunks.size() - 1) * config.kv_heads, 1, [&](Index begin, Index end) {
      for (Index job = begin; job < end; ++job) {
        const auto chunk = static_cast<std::size_t>(job / config.kv_heads);
        detail::attend_cached(work.step_rows, l, job % config.kv_heads, work.chunks[chunk], work.chunks[chunk + 1],
                              queries, out, attention);
      }
    });
    for (std::size_t s = 0; s < steps.size(); ++s)
      if (StepObserver* const observer = steps[s].sequence->observer.get()) {
        const Index first = work.firsts[s], tokens = work.firsts[s + 1] - first;
        observer->after_attention(
            *steps[s].sequence,
            {l, steps[s].steps, queries.tokens(first, tokens), rows_of(read_only(x), first, tokens)}, threads);
      }
    model.finish_layer(l, read_only(attended), x, work, threads,
                       [&](Index row) { return detail::place_in_batch(work, row); });
  }
  for (const Step& step : steps) step.sequence->next_position += static_cast<Position>(step.tokens.size());
  return x;
}

/// Like forward_hidden(), but returns the logits after each sequence's last token, [steps, vocab]. They are finite.
inline MatrixView<float> forward(const Decoder& model, std::span<const Step> steps, Workspace& work, Threads& threads) {
  auto x = forward_hidden(model, steps, work, threads);
  auto ends = work.ends.rows(static_cast<Index>(steps.size()), x.cols());
  for (Index s = 0; s < ends.rows(); ++s) ends.row(s) = x.row(work.firsts[static_cast<std::size_t>(s) + 1] - 1);
  return model.logits(read_only(ends), work, threads, [&](Index s) {
    return detail::place_in_batch(work, work.firsts[static_cast<std::size_t>(s) + 1] - 1);
  });
}

/// The same with a temporary workspace, for a single call.
inline Matrix<float> forward(const Decoder& model, std::span<const Step> steps, Threads& threads) {
  Workspace work;
  return forward(model, steps, work, threads);
}

}  // namespace kvx::inline v0
