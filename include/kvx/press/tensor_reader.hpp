#pragma once

#include <kvx/core/tensor_view.hpp>

#include <functional>
#include <string>

namespace kvx::inline v0 {

/// Reads the f32 tensor named `tensor` from a file that a policy's parameter names, so that policies need no file
/// format. All dimensions but the last are flattened into rows: [a, b, c] comes as [a b, c]. Throws Error when the file
/// or the tensor cannot be read.
using TensorReader = std::function<Matrix<float>(const std::string& file, const std::string& tensor)>;

}  // namespace kvx::inline v0
