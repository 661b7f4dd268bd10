#pragma once

#include <kvx/core/line_allocator.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/core/token.hpp>
#include <kvx/kernels/rope.hpp>

#include <cstddef>
#include <vector>

namespace kvx::inline v0 {

struct SequenceCache;

/// Memory for a matrix that changes its size from step to step: it grows, and never shrinks.
class RowBuffer {
 public:
  /// A matrix of no set values, in place of the one before.
  MatrixView<float> rows(Index rows, Index cols) {
    return view(at_least(memory_, static_cast<std::size_t>(rows * cols)), rows, cols, cols);
  }

 private:
  LineVector<float> memory_;
};

/// A new token of a sequence.
struct StepRow {
  SequenceCache* sequence;
  Index later;  ///< tokens of the step after it, whose rows it does not see
};

/// What the steps of a model work in, kept from one to the next, so that a step allocates nothing. What a step returns
/// lies in it until the next step.
struct Workspace {
  RowBuffer hidden, normed, qkv, attended, added, wide, ends, logits;
  RopeTable rope;
  std::vector<StepRow> step_rows;
  std::vector<Token> tokens;
  std::vector<Position> positions;
  std::vector<Index> firsts, chunks;
};

}  // namespace kvx::inline v0
