#pragma once

#include <kvx/core/dtype.hpp>
#include <kvx/core/error.hpp>
#include <kvx/core/finite.hpp>
#include <kvx/core/line_allocator.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/core/threads.hpp>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace kvx::inline v0 {

/// The formats in which weights can be stored. int8 has a scale for each output and 64 inputs.
enum class WeightFormat { f32, bf16, int8 };

constexpr std::string_view name_of(WeightFormat format) {
  return format == WeightFormat::f32 ? "f32" : format == WeightFormat::bf16 ? "bf16" : "int8";
}

/// The format of that name. Throws Error for an unknown name.
inline WeightFormat parse_weight_format(std::string_view name) {
  for (const WeightFormat format : {WeightFormat::f32, WeightFormat::bf16, WeightFormat::int8})
    if (name == name_of(format)) return format;
  throw Error("weights", "expected bf16, f32 or int8, found " + std::string(name));
}

/// A weight matrix [out, in] in a layout for fast products: panels of 16 outputs, in which a lane of 32 bits belongs to
/// one output. A panel is [in, 16] as f32, [in / 2, 16, 2] as bf16 and [in / 4, 16, 4] as int8. Outputs and inputs are
/// padded with zeros. Products sum the inputs of an output in the same order for every batch.
class PackedMatrix {
 public:
  static constexpr Index kPanel = 16;
  /// Inputs with a common scale in int8: value = scale * (byte - kZero).
  static constexpr Index kGroup = 64;
  static constexpr int kZero = 128;

  PackedMatrix() = default;
  PackedMatrix(WeightFormat format, Index out, Index in)
      : format_(format),
        out_(out),
        in_(in),
        padded_in_(padded(format, in)),
        storage_(static_cast<std::size_t>(panels() * kPanel * padded_in_) * element_size(format)),
        scales_(format == WeightFormat::int8 ? static_cast<std::size_t>(panels() * kPanel * groups()) : 0) {
    if (out % kPanel == 0 && in == padded_in_) return;
    const int zero = format == WeightFormat::int8 ? kZero : 0;
    std::fill(storage_.begin(), storage_.end(), static_cast<std::byte>(zero));
  }

  /// The bytes of a matrix.
  static std::size_t bytes_of(WeightFormat format, Index out, Index in) {
    const auto outputs = static_cast<std::size_t>((out + kPanel - 1) / kPanel * kPanel);
    const auto inputs = static_cast<std::size_t>(padded(format, in));
    return outputs *
           (inputs * element_size(format) + (format == WeightFormat::int8 ? inputs / kGroup * sizeof(BF16) : 0));
  }

  WeightFormat format() const { return format_; }
  Index out() const { return out_; }
  Index in() const { return in_; }
  /// The number of inputs with padding: a multiple of the number that a path multiplies at a time.
  Index padded_in() const { return padded_in_; }
  Index panels() const { return (out_ + kPanel - 1) / kPanel; }
  Index groups() const { return padded_in_ / kGroup; }
  std::size_t bytes() const { return storage_.size() + scales_.size() * sizeof(BF16); }

  /// The panel at `index`. `T` is float, BF16 or, for int8, std::uint8_t.
  template <class T>
  const T* panel(Index index) const {
    return reinterpret_cast<const T*>(storage_.data()) + index * kPanel * padded_in_;
  }
  /// int8: the scales of a panel, [groups, 16].
  const BF16* scales(Index panel) const { return scales_.data() + panel * kPanel * groups(); }

  /// Writes rows [first, first + rows) from a row-major [rows, in] buffer, which may be unaligned. Throws Error for
  /// NaN, an infinity, or a number that becomes an infinity in bf16. The message begins with `where` and names the
  /// first row with such a number; the buffer begins with row `first_named`.
  void pack(Index first, Index rows, Dtype source_dtype, std::span<const std::byte> source, Threads& threads,
            std::string_view where = "weights", Index first_named = 0) {
    visit(source_dtype, [&]<class From>(From) {
      std::atomic<Index> bad_row = rows;
      threads.parallel_for(rows, 64, [&](Index begin, Index end) {
        std::vector<From> line(static_cast<std::size_t>(in_));
        std::vector<float> floats(line.size());
        for (Index r = begin; r < end; ++r) {
          read_line(source, r, line);
          if (first_not_storable(line) < in_) {
            for (Index least = bad_row; r < least && !bad_row.compare_exchange_weak(least, r);) continue;
            return;
          }
          if constexpr (std::is_same_v<From, BF16>) {
            if (format_ == WeightFormat::bf16) {
              write<BF16>(first + r, line.data());
              continue;
            }
          }
          for (std::size_t k = 0; k < line.size(); ++k) floats[k] = static_cast<float>(line[k]);
          write_row(first + r, floats.data());
        }
      });
      if (bad_row < rows) throw_not_storable<From>(source, bad_row, where, first_named);
    });
  }

  /// Copies row `r` to `to` [in].
  void row(Index r, float* to) const {
    if (format_ == WeightFormat::f32) return read<float>(r, to);
    if (format_ == WeightFormat::bf16) return read<BF16>(r, to);
    read<std::uint8_t>(r, to);
    for (Index k = 0; k < in_; ++k) to[k] = (to[k] - float{kZero}) * static_cast<float>(scale(r, k));
  }

 private:
  /// Copies row `r` of a [rows, in] buffer, which may be unaligned.
  template <class From>
  static void read_line(std::span<const std::byte> source, Index r, std::vector<From>& line) {
    if (line.empty()) return;
    const std::size_t row_bytes = line.size() * sizeof(From);
    std::memcpy(static_cast<void*>(line.data()), source.data() + static_cast<std::size_t>(r) * row_bytes, row_bytes);
  }
  /// The index of the first value of a row that is not finite in this format; in() if there is none.
  template <class From>
  Index first_not_storable(const std::vector<From>& line) const {
    if constexpr (std::is_same_v<From, float>) {
      if (format_ == WeightFormat::bf16) return detail::first_at_least(line.data(), in_, detail::kInfinityBitsInBf16);
    }
    return first_not_finite(line.data(), in_);
  }
  template <class From>
  [[noreturn]] void throw_not_storable(std::span<const std::byte> source, Index r, std::string_view where,
                                       Index first_named) const {
    std::vector<From> line(static_cast<std::size_t>(in_));
    read_line(source, r, line);
    const Index column = first_not_storable(line);
    const auto value = static_cast<float>(line[static_cast<std::size_t>(column)]);
    throw Error(where, "row " + std::to_string(first_named + r) + ", column " + std::to_string(column) +
                           ": expected a finite " + std::string(name_of(format_)) + " weight, found " +
                           std::to_string(value));
  }

  static constexpr Index padded(WeightFormat format, Index in) {
    const Index multiple = format == WeightFormat::f32 ? 1 : format == WeightFormat::bf16 ? 32 : kGroup;
    return (in + multiple - 1) / multiple * multiple;
  }
  static constexpr std::size_t element_size(WeightFormat format) {
    return format == WeightFormat::f32 ? 4 : format == WeightFormat::bf16 ? 2 : 1;
  }

  /// The index of input `k` of the output in lane `lane`, in its panel.
  template <class T>
  static Index place(Index lane, Index k) {
    constexpr Index kInputsPerLane = sizeof(float) / sizeof(T);
    return (k / kInputsPerLane * kPanel + lane) * kInputsPerLane + k % kInputsPerLane;
  }
  BF16 scale(Index r, Index k) const { return scales(r / kPanel)[k / kGroup * kPanel + r % kPanel]; }

  template <class T, class From>
  void write(Index r, const From* from) {
    T* const to = const_cast<T*>(panel<T>(r / kPanel));
    for (Index k = 0; k < in_; ++k) to[place<T>(r % kPanel, k)] = static_cast<T>(from[k]);
  }
  template <class T>
  void read(Index r, float* to) const {
    const T* const from = panel<T>(r / kPanel);
    for (Index k = 0; k < in_; ++k) to[k] = static_cast<float>(from[place<T>(r % kPanel, k)]);
  }
  /// `row` [in] is overwritten.
  void write_row(Index r, float* row) {
    if (format_ == WeightFormat::f32) return write<float>(r, row);
    if (format_ == WeightFormat::bf16) return write<BF16>(r, row);
    for (Index first = 0; first < in_; first += kGroup) {
      const Index last = std::min(in_, first + kGroup);
      float largest = 0;
      for (Index k = first; k < last; ++k) largest = std::max(largest, std::abs(row[k]));
      BF16& scale = scales_[static_cast<std::size_t>((r / kPanel * groups() + first / kGroup) * kPanel + r % kPanel)];
      scale = BF16(largest / 127);
      const auto step = static_cast<float>(scale);
      const float inverse = step > 1e-38f ? 1 / step : 0;  // always finite
      for (Index k = first; k < last; ++k)
        row[k] = std::clamp(std::nearbyint(row[k] * inverse), -127.0f, 127.0f) + float{kZero};
    }
    write<std::uint8_t>(r, row);
  }

  WeightFormat format_ = WeightFormat::f32;
  Index out_ = 0, in_ = 0, padded_in_ = 0;
  LineVector<std::byte> storage_;
  LineVector<BF16> scales_;
};

}  // namespace kvx::inline v0
