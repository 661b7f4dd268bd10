// KVX_JOBS(keyword, path) instantiates each job of a path or, if the keyword is `extern template`, declares it.
#define KVX_JOB(keyword, path, ...) keyword void kvx::v0::detail::path::run(const kvx::v0::detail::__VA_ARGS__&);
#define KVX_JOBS(keyword, path)                                  \
  KVX_JOB(keyword, path, MatmulJob<StridedFloatRows, float>)     \
  KVX_JOB(keyword, path, MatmulJob<StridedFloatRows, kvx::BF16>) \
  KVX_JOB(keyword, path, MatmulJob<FloatTiles, kvx::BF16>)       \
  KVX_JOB(keyword, path, TileJob)                                \
  KVX_JOB(keyword, path, MatmulJob<Int8Rows, std::uint8_t>)      \
  KVX_JOB(keyword, path, RoundJob)                               \
  KVX_JOB(keyword, path, QuantizeJob)                            \
  KVX_JOB(keyword, path, AttentionJob<float>)                    \
  KVX_JOB(keyword, path, AttentionJob<kvx::BF16>)                \
  KVX_JOB(keyword, path, AttentionJob<QuantizedOr<float>>)       \
  KVX_JOB(keyword, path, AttentionJob<QuantizedOr<kvx::BF16>>)   \
  KVX_JOB(keyword, path, ReceivedJob<float>)                     \
  KVX_JOB(keyword, path, ReceivedJob<kvx::BF16>)                 \
  KVX_JOB(keyword, path, DotRowsJob<float>)                      \
  KVX_JOB(keyword, path, DotRowsJob<kvx::BF16>)                  \
  KVX_JOB(keyword, path, WeightedSumJob<float>)                  \
  KVX_JOB(keyword, path, WeightedSumJob<kvx::BF16>)              \
  KVX_JOB(keyword, path, SoftmaxJob)                             \
  KVX_JOB(keyword, path, SwigluJob)                              \
  KVX_JOB(keyword, path, GegluJob)                               \
  KVX_JOB(keyword, path, RmsNormJob)
#define KVX_EXTENSION_JOBS(keyword)                                   \
  KVX_JOB(keyword, Avx512VnniPath, MatmulJob<Int8Rows, std::uint8_t>) \
  KVX_JOB(keyword, Avx512Bf16Path, MatmulJob<RoundedRows, kvx::BF16>) \
  KVX_JOB(keyword, AmxPath, MatmulJob<RoundedTiles, kvx::BF16>)       \
  KVX_JOB(keyword, AmxPath, AmxAttentionJob<false, float>)            \
  KVX_JOB(keyword, AmxPath, AmxAttentionJob<true, float>)             \
  KVX_JOB(keyword, AmxPath, AmxAttentionJob<false, kvx::BF16>)        \
  KVX_JOB(keyword, AmxPath, AmxAttentionJob<true, kvx::BF16>)
