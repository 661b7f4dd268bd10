#pragma once

#include <kvx/core/dtype.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/core/threads.hpp>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <span>
#include <vector>

namespace kvx::inline v0 {

/// A weight matrix [out, in] laid out for products with it: panels of 16 outputs, each [in, 16] as f32 and
/// [in / 2, 16, 2] as bf16, so that a lane of 32 bits is one output; padded with zeros. Every output is summed over
/// `in` in one order, whatever the batch.
class PackedMatrix {
 public:
  static constexpr Index kPanel = 16;
  /// Inputs beside each other in a lane.
  template <class T>
  static constexpr Index kBeside = sizeof(float) / sizeof(T);

  PackedMatrix() = default;
  /// `dtype` is f32 or bf16.
  PackedMatrix(Dtype dtype, Index out, Index in)
      : dtype_(dtype),
        out_(out),
        in_(in),
        storage_(static_cast<std::size_t>(panels() * panel_size()) * size_of(dtype)) {}

  Dtype dtype() const { return dtype_; }
  Index out() const { return out_; }
  Index in() const { return in_; }
  Index panels() const { return (out_ + kPanel - 1) / kPanel; }
  std::size_t bytes() const { return storage_.size(); }

  /// Elements of a panel.
  Index panel_size() const { return (dtype_ == Dtype::bf16 ? (in_ + 1) / 2 * 2 : in_) * kPanel; }
  /// The panels from `index` on. `T` is the matrix's dtype.
  template <class T>
  const T* panel(Index index) const {
    return reinterpret_cast<const T*>(storage_.data()) + index * panel_size();
  }

  /// Writes rows [first, first + rows) from a row-major [rows, in] buffer, which may be unaligned.
  void pack(Index first, Index rows, Dtype source_dtype, std::span<const std::byte> source, Threads& threads) {
    visit(source_dtype, [&]<class From>(From) {
      if (dtype_ == Dtype::bf16)
        pack_as<BF16, From>(first, rows, source.data(), threads);
      else
        pack_as<float, From>(first, rows, source.data(), threads);
    });
  }

  /// Copies row `r` to `to` [in].
  void row(Index r, float* to) const {
    const auto copy = [&]<class T>(const T* from) {
      for (Index k = 0; k < in_; ++k) to[k] = static_cast<float>(from[place<T>(r % kPanel, k)]);
    };
    dtype_ == Dtype::bf16 ? copy(panel<BF16>(r / kPanel)) : copy(panel<float>(r / kPanel));
  }

 private:
  /// Where input `k` of an output stands in its panel.
  template <class T>
  static Index place(Index lane, Index k) {
    return (k / kBeside<T> * kPanel + lane) * kBeside<T> + k % kBeside<T>;
  }

  template <class To, class From>
  void pack_as(Index first, Index rows, const std::byte* source, Threads& threads) {
    To* const to = reinterpret_cast<To*>(storage_.data());
    threads.parallel_for(rows, 64, [&](Index begin, Index end) {
      std::vector<From> line(static_cast<std::size_t>(in_));
      for (Index r = begin; r < end; ++r) {
        const std::size_t row_bytes = line.size() * sizeof(From);
        std::memcpy(static_cast<void*>(line.data()), source + static_cast<std::size_t>(r) * row_bytes, row_bytes);
        To* const panel = to + (first + r) / kPanel * panel_size();
        for (Index k = 0; k < in_; ++k)
          panel[place<To>((first + r) % kPanel, k)] = static_cast<To>(line[static_cast<std::size_t>(k)]);
      }
    });
  }

  Dtype dtype_ = Dtype::f32;
  Index out_ = 0, in_ = 0;
  std::vector<std::byte> storage_;
};

}  // namespace kvx::inline v0
