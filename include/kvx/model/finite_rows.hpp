#pragma once

#include <kvx/core/error.hpp>
#include <kvx/core/finite.hpp>
#include <kvx/core/tensor_view.hpp>

#include <atomic>
#include <string>
#include <string_view>

namespace kvx::inline v0 {

/// Checks rows for NaN and infinities while several threads compute them.
class FiniteRows {
 public:
  explicit FiniteRows(MatrixView<float> rows) : rows_(rows), bad_row_(rows.rows()) {}

  /// Checks row `t`, and remembers it if it is not finite.
  void check_row(Index t) {
    if (first_not_finite(row(t), rows_.cols()) == rows_.cols()) return;
    for (Index least = bad_row_; t < least && !bad_row_.compare_exchange_weak(least, t);) continue;
  }

  /// Throws Error for the first row that is not finite. name(row) gives the name of that row in the message.
  template <class Name>
  void expect(std::string_view where, Name&& name) const {
    const Index t = bad_row_;
    if (t == rows_.rows()) return;
    const float value = row(t)[first_not_finite(row(t), rows_.cols())];
    throw Error(where, name(t) + ": expected finite numbers, found " + std::to_string(value));
  }

 private:
  const float* row(Index t) const { return rows_.data() + t * rows_.outerStride(); }

  MatrixView<float> rows_;
  std::atomic<Index> bad_row_;
};

}  // namespace kvx::inline v0
