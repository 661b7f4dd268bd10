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

/// Runs queries over the rows of one KV head, keys and values [rows, head_dim]: softmax(scale * q . k) v, block by
/// block with a running maximum (Milakov and Gimelshein, arXiv:1805.02867), so that rows may come in several calls.
/// The result of a query does not depend on the other queries. finish_attention() divides by the totals. Isa::amx
/// multiplies floats in two parts of bf16 each, within 2^-16 of them; all other paths multiply floats.
template <class T>
void attend(std::span<AttentionQuery> queries, MatrixView<const T> keys, MatrixView<const T> values, float scale,
            Isa path = isa()) {
  detail::run_attention<false>(path, detail::AttentionJob<T>{queries, keys.data(), values.data(), 0, keys.rows(),
                                                             keys.cols(), keys.outerStride(), scale});
}

/// Adds each query's weights on the block of rows from `first` on, a multiple of kAttentionBlock, to its `received`, in
/// the order of the queries; after attend() over all rows, on the same path.
template <class T>
void attention_received(std::span<AttentionQuery> queries, MatrixView<const T> keys, float scale, Index first,
                        Isa path = isa()) {
  detail::run_attention<true>(path, detail::AttentionJob<T>{queries, keys.data(), keys.data(), first,
                                                            std::min(keys.rows(), first + kAttentionBlock), keys.cols(),
                                                            keys.outerStride(), scale});
}

/// Makes the sums means. Each query has seen a row at least.
inline void finish_attention(std::span<AttentionQuery> queries, Index head_dim) {
  for (AttentionQuery& query : queries) {
    const float scale = static_cast<float>(1 / query.total);
    for (Index d = 0; d < head_dim; ++d) query.out[d] *= scale;
  }
}

}  // namespace kvx::inline v0
