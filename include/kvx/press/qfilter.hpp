#pragma once

#include <kvx/core/error.hpp>
#include <kvx/kernels/row_kernels.hpp>
#include <kvx/press/policy.hpp>
#include <kvx/press/tensor_reader.hpp>

#include <string>
#include <string_view>
#include <tuple>

namespace kvx::inline v0 {

/// Keeps the keys that queries are likely to attend to: the score is -f.k, where the filter f of a head is the main
/// direction of its queries, computed beforehand, with its sign chosen against the mean query. kvpress downloads
/// published filters; kvx reads them from a file with one f32 tensor "filters" [layers, kv_heads, head_dim], which
/// kvx-calibrate writes. Godey et al., "Q-Filters: Leveraging QK Geometry for Efficient KV Cache Compression",
/// arXiv:2503.02812.
struct QFilter {
  static constexpr std::string_view name = "qfilter", paper = "arXiv:2503.02812";
  std::string file;            ///< the path of the file; must be given
  Matrix<float> filters = {};  ///< [layers kv_heads, head_dim], as load() read them
  static constexpr auto parameters() { return std::tuple(Parameter{"file", &QFilter::file}); }
  void load(const TensorReader& read) {
    if (file.empty()) throw Error("qfilter: file", "expected the path of a file with filters, found none");
    filters = read(file, "filters");
  }

  Traits traits() const { return {.row_wise = true}; }
  Needs needs() const { return {}; }
  void score(const PressInput& in, const Budget&, Scores out) const {
    const auto shape = [](Index rows, Index dim) { return std::to_string(rows) + " x " + std::to_string(dim); };
    const Index heads = in.all_heads();
    if (filters.rows() != in.layers * heads || filters.cols() != in.head_dim())
      throw Error("qfilter: " + file, "filters: expected " + shape(in.layers * heads, in.head_dim()) + " for " +
                                          std::to_string(in.layers) + " layers, found " +
                                          shape(filters.rows(), filters.cols()));
    for (Index h = 0; h < in.kv_heads(); ++h)
      row_kernels().dot_rows(filters.row(in.layer * heads + in.first_head + h).data(), in.keys.head(h), -1,
                             out.row(h).data());
  }
};
static_assert(ScorePolicy<QFilter>);

}  // namespace kvx::inline v0
