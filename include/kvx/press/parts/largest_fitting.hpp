#pragma once

#include <kvx/core/error.hpp>
#include <kvx/core/tensor_view.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

namespace kvx::inline v0::detail {

/// Implements largest_fitting().
template <class RowsAt>
class FittingSearch {
 public:
  FittingSearch(std::span<const std::size_t> bytes, std::size_t max_bytes, bool nested, const RowsAt& rows_at)
      : bytes_(bytes), max_bytes_(max_bytes), nested_(nested), rows_at_(rows_at) {}

  Index run() const {
    const Index tokens = std::ssize(bytes_) - 1;
    const std::vector<Index> all = rows_at_(tokens);
    if (fits(all)) return tokens;
    // `smallest` is the fewest bytes per row at any number of rows. It gives an upper bound of the budget.
    double smallest = static_cast<double>(bytes_[1]);
    for (std::size_t rows = 2; rows < bytes_.size(); ++rows)
      smallest = std::min(smallest, static_cast<double>(bytes_[rows]) / static_cast<double>(rows));
    const double bound = std::ceil(static_cast<double>(max_bytes_) / (smallest * static_cast<double>(all.size())));
    const Index end = static_cast<Index>(std::min(static_cast<double>(tokens), bound + 1));
    if (nested_) return largest(1, end, Rows(all.size(), 0), all);
    for (Index budget = end - 1; budget > 0; --budget)
      if (fits(rows_at_(budget))) return budget;
    return 0;
  }

 private:
  using Rows = std::vector<Index>;  // one number for each head

  std::size_t bytes(Index rows) const { return bytes_[static_cast<std::size_t>(rows)]; }
  bool fits(const Rows& rows) const {
    std::size_t sum = 0;
    for (const Index head_rows : rows) sum += bytes(head_rows);
    return sum <= max_bytes_;
  }
  /// Whether any numbers of rows per head between `below` and `above` might fit.
  bool may_fit(const Rows& below, const Rows& above) const {
    std::size_t least = 0;
    for (std::size_t h = 0; h < below.size(); ++h) {
      const auto [fewest, most] = std::minmax(below[h], above[h]);
      least += *std::min_element(bytes_.begin() + fewest, bytes_.begin() + most + 1);
    }
    return least <= max_bytes_;
  }
  /// The largest budget in [first, end) that fits, or 0. `below` and `above` are the numbers of rows of each head at a
  /// smaller and at a larger budget. Only used if `nested`.
  Index largest(Index first, Index end, const Rows& below, const Rows& above) const {
    if (first >= end || !may_fit(below, above)) return 0;
    const Index middle = first + (end - first) / 2;
    Rows rows;
    try {
      rows = rows_at_(middle);
    } catch (const NotApplicable&) {  // a larger budget may be applicable, and may fit
      if (const Index found = largest(middle + 1, end, below, above)) return found;
      throw;
    }
    if (const Index found = largest(middle + 1, end, rows, above)) return found;
    return fits(rows) ? middle : largest(first, middle, below, rows);
  }

  std::span<const std::size_t> bytes_;
  std::size_t max_bytes_;
  bool nested_;
  const RowsAt& rows_at_;
};

/// The largest budget, in rows per head, whose rows fit into `max_bytes`; 0 if none does. `bytes` has the bytes of 0,
/// 1,
/// ... rows of one head, up to all tokens. More rows may take fewer bytes, since a row can complete a block, which is
/// then quantized; a plain bisection would therefore miss budgets that fit. `rows_at`, std::vector<Index>(Index
/// budget), returns the number of rows of each head; their mean is the budget. `nested` says that no head keeps fewer
/// rows at a larger budget. Then whole ranges of budgets are excluded by the fewest bytes that any budget between two
/// others can take. Otherwise all budgets are tried, from an upper bound downward. If `rows_at` throws NotApplicable
/// for a budget, so does this function, unless a larger budget fits.
template <class RowsAt>
Index largest_fitting(std::span<const std::size_t> bytes, std::size_t max_bytes, bool nested, const RowsAt& rows_at) {
  return FittingSearch<RowsAt>(bytes, max_bytes, nested, rows_at).run();
}

}  // namespace kvx::inline v0::detail
