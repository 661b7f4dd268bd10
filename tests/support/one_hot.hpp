#pragma once

#include "support/layer.hpp"

#include <vector>

namespace kvx_test {

/// A layer in which the key of token t is the unit vector t. A query that point() has changed attends only to one
/// token; a query of zeros attends equally to all tokens that it sees.
inline Layer one_hot_layer(kvx::Index heads, kvx::Index kv_heads, kvx::Index tokens) {
  Layer layer(heads, kv_heads, tokens, tokens);
  for (kvx::Index h = 0; h < kv_heads; ++h)
    for (kvx::Index t = 0; t < tokens; ++t) layer.row(layer.keys, h, t)[t] = 1;
  return layer;
}

/// Makes the query of head `head` at token `from` attend only to token `to`.
inline void point(Layer& layer, std::vector<float>& queries, kvx::Index head, kvx::Index from, kvx::Index to) {
  layer.row(queries, head, from)[to] = 1e4f;
}

}  // namespace kvx_test
