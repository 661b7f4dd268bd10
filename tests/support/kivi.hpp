#pragma once

#include <kvx/cache/quantize.hpp>
#include <kvx/cache/sequence_cache.hpp>
#include <kvx/core/tensor_view.hpp>

#include <algorithm>
#include <cstddef>
#include <map>
#include <memory>
#include <utility>

namespace kvx_test {

/// Simulates KIVI: replaces the rows of an f32 tail that are due by their dequantized values. Scales and zeros are of
/// type `Scale`. `nudge` is added to the elements before codes are computed.
template <class Scale>
class RoundedCache final : public kvx::StepObserver {
 public:
  explicit RoundedCache(const kvx::CacheQuantization& quantization, float nudge = 0)
      : quantization_(quantization), nudge_(nudge) {}
  std::unique_ptr<StepObserver> clone() const override { return std::make_unique<RoundedCache>(*this); }
  void after_attention(kvx::SequenceCache& sequence, const kvx::LayerStep& step, kvx::Threads&) override {
    update(step.layer, sequence.tail.layer(step.layer));
  }

  void update(kvx::Index l, kvx::LayerCache& layer) {
    for (std::size_t h = 0; h < layer.size(); ++h) {
      auto& [keys, values] = done_[{l, h}];
      const kvx::Index rows = layer[h].rows(), due = (rows - keys) / quantization_.residual * quantization_.residual;
      round(layer[h].keys<float>().middleRows(keys, due), quantization_.keys);
      keys += due;
      const kvx::Index due_end = std::max(values, rows - quantization_.residual);
      round(layer[h].values<float>().middleRows(values, due_end - values), quantization_.values);
      values = due_end;
    }
  }

 private:
  template <class Rows>
  void round(Rows&& rows, const kvx::Quantization& quantization) const {
    const kvx::Matrix<float> before = rows;
    kvx::each_group<Scale>(kvx::view(before), quantization,
                           [&](kvx::Index j, kvx::Index d, const auto& elements, const kvx::QuantizedGroup& group) {
                             for (kvx::Index y = 0; y < elements.rows(); ++y)
                               for (kvx::Index x = 0; x < elements.cols(); ++x)
                                 rows(j + y, d + x) =
                                     group.value(group.code(elements(y, x) + nudge_, quantization.bits));
                           });
  }

  kvx::CacheQuantization quantization_;
  float nudge_;
  /// The numbers of rounded keys and values of each head.
  std::map<std::pair<kvx::Index, std::size_t>, std::pair<kvx::Index, kvx::Index>> done_;
};

}  // namespace kvx_test
