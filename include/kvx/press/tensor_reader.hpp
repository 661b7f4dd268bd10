#pragma once

#include <kvx/core/tensor_view.hpp>

#include <functional>
#include <string>

namespace kvx::inline v0 {

/// Reads the f32 tensor named `tensor` from `file`, the value of a policy's parameter, so that policies do not depend
/// on a file format. All dimensions but the last are flattened into rows: [a, b, c] is returned as [a b, c]. Throws
/// Error if the file or the tensor cannot be read.
using TensorReader = std::function<Matrix<float>(const std::string& file, const std::string& tensor)>;

}  // namespace kvx::inline v0
