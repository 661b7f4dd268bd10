// Compresses the cache of another engine in place. That engine stores the keys and values of all heads of a token next
// to each other, as many engines do; strides describe this layout to kvx, and nothing is copied. Only needs kvx::press.
#include <kvx/press.hpp>
#include <kvx/press/snapkv.hpp>

#include <cmath>
#include <cstdio>
#include <random>
#include <vector>

namespace {

/// The other engine's cache of one layer: row t is [key of head 0, key of head 1, ..., value of head 0, ...].
struct ForeignCache {
  kvx::Index kv_heads, head_dim, tokens;
  std::vector<float> rows;

  ForeignCache(kvx::Index heads, kvx::Index dim, kvx::Index count)
      : kv_heads(heads), head_dim(dim), tokens(count), rows(static_cast<std::size_t>(2 * heads * dim * count)) {}

  kvx::TensorView<float> keys() { return tensor(0); }
  kvx::TensorView<float> values() { return tensor(kv_heads * head_dim); }

  void truncate(kvx::Index count) {
    tokens = count;
    rows.resize(static_cast<std::size_t>(2 * kv_heads * head_dim * count));
    rows.shrink_to_fit();
  }

 private:
  kvx::TensorView<float> tensor(kvx::Index offset) {
    return {rows.data() + offset, kv_heads, tokens, head_dim, head_dim, 2 * kv_heads * head_dim};
  }
};

/// The other engine's attention of one query over one KV head.
Eigen::RowVectorXf attend(ForeignCache& cache, kvx::Index head, const Eigen::RowVectorXf& query) {
  Eigen::RowVectorXf weights =
      query * cache.keys().head(head).transpose() / std::sqrt(static_cast<float>(query.size()));
  weights = (weights.array() - weights.maxCoeff()).exp();
  return weights / weights.sum() * cache.values().head(head);
}

}  // namespace

int main() {
  constexpr kvx::Index kHeads = 4, kKvHeads = 2, kHeadDim = 64, kTokens = 512, kWindow = 32;
  ForeignCache cache(kKvHeads, kHeadDim, kTokens);
  // The queries of the last tokens, [kWindow, kHeads, kHeadDim].
  std::vector<float> queries(static_cast<std::size_t>(kWindow * kHeads * kHeadDim));
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  for (float& x : cache.rows) x = normal(random);
  for (float& x : queries) x = normal(random);
  cache.keys().head(0).row(100) *= 1.3f;  // a key that all queries attend to
  for (kvx::Index t = 0; t < kWindow; ++t)
    for (kvx::Index i = 0; i < kHeads; ++i)
      for (kvx::Index d = 0; d < kHeadDim; ++d)
        queries[static_cast<std::size_t>((t * kHeads + i) * kHeadDim + d)] += cache.keys().head(0)(100, d);

  kvx::PressInput input;
  input.keys = cache.keys();
  input.values = cache.values();
  input.queries = kvx::TensorView<const float>::token_major(queries.data(), kHeads, kWindow, kHeadDim);

  const kvx::Press<kvx::SnapKV> press(0.75, {.window = kWindow});

  const Eigen::RowVectorXf query = input.queries.head(0).row(kWindow - 1);
  const Eigen::RowVectorXf before = attend(cache, 0, query);
  const std::size_t bytes_before = cache.rows.capacity() * sizeof(float);
  std::vector<kvx::Position> positions(static_cast<std::size_t>(kKvHeads * kTokens));
  for (std::size_t i = 0; i < positions.size(); ++i) positions[i] = static_cast<kvx::Position>(i % kTokens);
  const kvx::Kept kept = press.apply(input, cache.keys(), cache.values(), positions);
  cache.truncate(static_cast<kvx::Index>(kept[0].size()));
  const Eigen::RowVectorXf after = attend(cache, 0, query);

  const float change = (after - before).norm() / before.norm();
  std::printf("%td of %td rows stay, %zu of %zu bytes; the last query's attention changes by %.2g\n", cache.tokens,
              kTokens, cache.rows.capacity() * sizeof(float), bytes_before, static_cast<double>(change));
  return cache.tokens == kTokens / 4 && change < 0.01f ? 0 : 1;
}
