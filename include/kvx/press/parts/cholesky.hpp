#pragma once

#include <kvx/core/tensor_view.hpp>

#include <cmath>

namespace kvx::inline v0::detail {

/// Replaces a symmetric matrix `a` by the inverse of its Cholesky factor: L^-1, where a = L L^T and L is lower
/// triangular. Reads only the elements on and below the diagonal. Returns false, and leaves `a` with no meaning, if the
/// matrix is not positive definite. NaN does not count as that: the result then contains NaN.
inline bool invert_root(Matrix<double>& a) {
  for (Index i = 0; i < a.rows(); ++i)
    for (Index j = 0; j <= i; ++j) {
      for (Index k = 0; k < j; ++k) a(i, j) -= a(i, k) * a(j, k);
      if (j < i)
        a(i, j) /= a(j, j);
      else if (a(i, i) <= 0)
        return false;
      else
        a(i, i) = std::sqrt(a(i, i));
    }
  for (Index j = 0; j < a.rows(); ++j) {
    a(j, j) = 1 / a(j, j);
    for (Index i = j + 1; i < a.rows(); ++i) {
      double sum = 0;
      for (Index k = j; k < i; ++k) sum -= a(i, k) * a(k, j);
      a(i, j) = sum / a(i, i);
    }
    a.row(j).tail(a.rows() - 1 - j).setZero();
  }
  return true;
}

}  // namespace kvx::inline v0::detail
