#pragma once

#include <kvx/core/error.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/io/safetensors.hpp>
#include <kvx/io/tensor.hpp>

#include <algorithm>
#include <string>
#include <vector>

namespace kvx::inline v0 {

/// A tensor of a safetensors file as a matrix of floats. Its last dimension becomes the columns, the others together
/// the rows. Throws Error for another kind of file, a tensor that is missing or has no elements, a type that is not
/// F32, F16 or BF16, and numbers that are not finite.
inline Matrix<float> read_matrix(const std::string& file, const std::string& tensor) {
  const Safetensors tensors = Safetensors::open(file);
  const Tensor& entry = tensors.at(tensor);
  const std::vector<float> floats = finite_floats(entry);
  if (floats.empty()) throw Error(file, tensor + ": expected at least one element, found none");
  const Index columns = entry.shape.empty() ? 1 : entry.shape.back();
  Matrix<float> matrix(static_cast<Index>(floats.size()) / columns, columns);
  std::copy(floats.begin(), floats.end(), matrix.data());
  return matrix;
}

}  // namespace kvx::inline v0
