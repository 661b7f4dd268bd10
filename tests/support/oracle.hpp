#pragma once

#include "support/exact_attention.hpp"

#include <kvx/cache/kv_cache.hpp>
#include <kvx/cache/sequence_cache.hpp>
#include <kvx/kernels/rope.hpp>
#include <kvx/model/decoder.hpp>
#include <kvx/model/forward.hpp>
#include <kvx/model/prefill.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace kvx_test {

/// A copy of a sequence's cache with unquantized f32 rows.
inline kvx::KvCache stored(const kvx::SequenceCache& sequence, const kvx::CacheShape& shape) {
  kvx::KvCache copy({shape.layers, shape.kv_heads, shape.head_dim, kvx::Dtype::f32});
  for (kvx::Index l = 0; l < shape.layers; ++l)
    for (std::size_t h = 0; h < copy.layer(l).size(); ++h)
      for (const kvx::KvCache* part : {sequence.prefix.get(), &sequence.tail}) {
        const kvx::HeadCache& head = part->layer(l)[h];
        kvx::Matrix<float> keys(head.rows(), shape.head_dim), values(head.rows(), shape.head_dim);
        head.copy_to(keys.data(), values.data());
        for (kvx::Index j = 0; j < head.rows(); ++j)
          copy.layer(l)[h].append(head.positions()[static_cast<std::size_t>(j)], keys.row(j).data(),
                                  values.row(j).data());
      }
  return copy;
}

/// Decodes with a compressed cache, one token and one layer at a time. Compares each attention with a naive one, in
/// double, over the *full* cache of the context, in which the rows that the press has evicted are masked.
class Oracle {
 public:
  /// `full` is the uncompressed f32 cache of the context that `sequence` has compressed. A row of `full` is visible if
  /// the sequence has a row with its position.
  Oracle(const kvx::Decoder& model, const kvx::KvCache& full, kvx::SequenceCache sequence)
      : model_(model), sequence_(std::move(sequence)) {
    for (kvx::Index l = 0; l < full.layers(); ++l) {
      auto& layer = layers_.emplace_back();
      for (std::size_t h = 0; h < full.layer(l).size(); ++h) {
        const kvx::HeadCache& from = full.layer(l)[h];
        const auto is_kept = [&](kvx::Position position) {
          const auto is_in = [&](const kvx::KvCache& cache) {
            const auto positions = cache.layer(l)[h].positions();
            return std::find(positions.begin(), positions.end(), position) != positions.end();
          };
          return is_in(*sequence_.prefix) || is_in(sequence_.tail);
        };
        auto& head = layer.emplace_back();
        for (kvx::Index j = 0; j < from.rows(); ++j) {
          const auto position = from.positions()[static_cast<std::size_t>(j)];
          head.push_back({from.keys<float>().row(j).cast<double>(), from.values<float>().row(j).cast<double>(),
                          is_kept(position)});
        }
      }
    }
  }

  /// The logits after the last of `tokens`, [1, vocab].
  kvx::Matrix<float> forward(std::span<const kvx::Token> tokens, kvx::Threads& threads) {
    kvx::Matrix<float> logits;
    for (const kvx::Token token : tokens) logits = step(token, threads);
    return logits;
  }

  /// The largest difference between an attention output and the naive one so far, relative to the largest rounding
  /// error.
  double worst() const { return worst_; }

 private:
  struct Row {
    Eigen::RowVectorXd key, value;
    bool visible = true;
  };
  kvx::Matrix<float> step(kvx::Token token, kvx::Threads& threads) {
    const kvx::ModelConfig& config = model_.config();
    const kvx::Index group = config.heads / config.kv_heads;
    kvx::Workspace work;
    model_.fill(work.ropes, std::span(&sequence_.next_position, 1));
    auto x = model_.embed(std::span(&token, 1), work, threads);
    kvx::Matrix<float> attended(1, config.heads * config.head_dim);
    for (kvx::Index l = 0; l < config.layers; ++l) {
      auto qkv = model_.project_qkv(l, kvx::read_only(x), work, threads);
      const auto queries = model_.queries(qkv), keys = model_.keys(qkv), values = model_.values(qkv);
      const kvx::RopeTable& rope = model_.table(work.ropes, l);
      kvx::detail::rotate(rope, queries, threads);
      kvx::detail::rotate(rope, keys, threads);
      for (kvx::Index i = 0; i < config.heads; ++i) {
        const kvx::Index h = i / group;
        const auto head = static_cast<std::size_t>(h);
        auto& rows = layers_[static_cast<std::size_t>(l)][head];
        kvx::HeadCache& tail = sequence_.tail.layer(l)[head];
        if (i % group == 0) {
          const kvx::Index window = model_.config().window(l);
          const auto hidden = window == 0 ? 0 : std::max<kvx::Index>(0, std::ssize(rows) + 1 - window);
          std::for_each_n(rows.begin(), hidden, [](Row& row) { row.visible = false; });
          rows.push_back({keys.head(h).row(0).cast<double>(), values.head(h).row(0).cast<double>()});
          tail.append(sequence_.next_position, keys.row(h, 0), values.row(h, 0));
        }
        if (i % group == 0) {
          const kvx::StepRow row{&sequence_, 0, sequence_.next_position};
          kvx::detail::attend_cached(
              {&row, 1}, l, h, 0, 1, queries,
              kvx::TensorView<float>::token_major(attended.data(), config.heads, 1, config.head_dim),
              model_.attention(l));
        }
        const auto out = attended.row(0).segment(i * config.head_dim, config.head_dim);
        const ExactAttention naive = attend(queries.head(i).row(0).cast<double>(), l, head);
        for (kvx::Index d = 0; d < out.size(); ++d)
          if (const double difference = std::abs(double{out[d]} - naive.out[d]); difference > 0)
            worst_ = std::max(worst_, difference / naive.out_errors[d]);
      }
      model_.finish_layer(l, kvx::view(std::as_const(attended)), x, work, threads, kvx::detail::position_text);
    }
    ++sequence_.next_position;
    return model_.logits(kvx::read_only(x), work, threads, kvx::detail::position_text);
  }

  ExactAttention attend(const Eigen::RowVectorXd& query, kvx::Index l, std::size_t head) const {
    const auto& rows = layers_[static_cast<std::size_t>(l)][head];
    const auto visible = std::count_if(rows.begin(), rows.end(), [](const Row& row) { return row.visible; });
    kvx::Matrix<double> keys(visible, query.size()), values(visible, query.size());
    kvx::Index index = 0;
    for (const Row& row : rows) {
      if (!row.visible) continue;
      keys.row(index) = row.key;
      values.row(index++) = row.value;
    }
    double key_units = 0, value_units = 0;
    for (const kvx::KvCache* part : {sequence_.prefix.get(), &sequence_.tail}) {
      const kvx::HeadCache& cache = part->layer(l)[head];
      if (cache.quantized_keys() == nullptr) continue;
      key_units = quantized_units(keys, cache.key_bias().bias);
      value_units = quantized_units(values);
    }
    const double scale = double{1 / std::sqrt(static_cast<float>(model_.config().query_scalar))};
    return {query, keys, values, scale, model_.attention_path(), key_units, value_units};
  }

  const kvx::Decoder& model_;
  kvx::SequenceCache sequence_;
  double worst_ = 0;
  std::vector<std::vector<std::vector<Row>>> layers_;  // [layers][kv_heads][rows]
};

}  // namespace kvx_test
