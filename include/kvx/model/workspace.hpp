#pragma once

#include <kvx/core/line_allocator.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/core/token.hpp>
#include <kvx/kernels/rope.hpp>

#include <array>
#include <cstddef>
#include <vector>

namespace kvx::inline v0 {

struct SequenceCache;

/// Memory for a matrix whose size changes from step to step. It grows, and never shrinks.
class RowBuffer {
 public:
  /// A matrix whose values are not set. It replaces the previous one.
  MatrixView<float> rows(Index rows, Index cols) {
    return view(at_least(memory_, static_cast<std::size_t>(rows * cols)), rows, cols, cols);
  }

 private:
  LineVector<float> memory_;
};

/// The tables of RoPE for a list of positions: of layers without a window, and of layers with one.
using RopeTables = std::array<RopeTable, 2>;

/// The row of a new token of a sequence.
struct StepRow {
  SequenceCache* sequence;
  Index later;        ///< the number of later tokens in its step, whose rows it does not see
  Position position;  ///< of its token
};

/// The working memory of a model's steps. It is kept from one step to the next, so that a step allocates nothing. The
/// result of a step is in it, and is valid until the next step.
struct Workspace {
  RowBuffer hidden, normed, qkv, attended, added, wide, ends, logits;
  RopeTables ropes;
  std::vector<StepRow> step_rows;
  std::vector<Token> tokens;
  std::vector<Position> positions;
  std::vector<Index> firsts, chunks;
};

}  // namespace kvx::inline v0
