#pragma once

#include <kvx/core/dtype.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/kernels/attend_amx.hpp>
#include <kvx/kernels/attend_job.hpp>
#include <kvx/kernels/attend_tile.hpp>
#include <kvx/kernels/isa.hpp>
#include <kvx/kernels/paths.hpp>

#include <algorithm>
#include <span>

namespace kvx::inline v0 {

namespace detail {

template <bool kReceived, class T>
void run_attention(Isa path, const AttentionJob<T>& job) {
#if defined(__x86_64__)
  if (path == Isa::amx) return AmxPath::run(AmxAttentionJob<kReceived, T>{job});
#endif
  if constexpr (kReceived)
    run_on(path, ReceivedJob<T>{job});
  else
    run_on(path, job);
}

}  // namespace detail

/// Computes the attention of queries over rows of one KV head: softmax(scale * q . k) v, with keys and values [rows,
/// head_dim]. It runs block by block with a running maximum (Milakov and Gimelshein, arXiv:1805.02867), so that the
/// rows can be passed in several calls; after them, finish_attention() divides by the totals. The result of a query
/// does not depend on the other queries. Isa::amx splits each float into two bf16 parts, which are within 2^-16 of it;
/// all other paths multiply floats.
template <class T>
void attend(std::span<AttentionQuery> queries, MatrixView<const T> keys, MatrixView<const T> values, float scale,
            Isa path = isa()) {
  detail::run_attention<false>(path, detail::AttentionJob<T>{queries, keys.data(), values.data(), 0, keys.rows(),
                                                             keys.cols(), keys.outerStride(), scale});
}

/// Adds the softmax weights of each query on one block of rows to the query's `received`, in the order of the queries.
/// The block begins at row `first`, a multiple of kAttentionBlock. To be called after attend() over all rows, on the
/// same path.
template <class T>
void attention_received(std::span<AttentionQuery> queries, MatrixView<const T> keys, float scale, Index first,
                        Isa path = isa()) {
  detail::run_attention<true>(path, detail::AttentionJob<T>{queries, keys.data(), keys.data(), first,
                                                            std::min(keys.rows(), first + kAttentionBlock), keys.cols(),
                                                            keys.outerStride(), scale});
}

/// Divides the weighted sums by the sums of the weights. Each query must have seen at least one row.
inline void finish_attention(std::span<AttentionQuery> queries, Index head_dim) {
  for (AttentionQuery& query : queries) {
    const float scale = static_cast<float>(1 / query.total);
    for (Index d = 0; d < head_dim; ++d) query.out[d] *= scale;
  }
}

}  // namespace kvx::inline v0
