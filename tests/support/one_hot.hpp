#pragma once

#include "support/layer.hpp"

#include <vector>

namespace kvx_test {

/// A layer whose key of token t is the unit vector t, so that pointing a query at a token makes it attend to that one
/// alone; a query that is left at zero attends evenly to all that it sees.
inline Layer one_hot_layer(kvx::Index heads, kvx::Index kv_heads, kvx::Index tokens) {
  Layer layer(heads, kv_heads, tokens, tokens);
  for (kvx::Index h = 0; h < kv_heads; ++h)
    for (kvx::Index t = 0; t < tokens; ++t) layer.row(layer.keys, h, t)[t] = 1;
  return layer;
}

/// Lets the query of head `head` at token `from` attend to token `to` alone.
inline void point(Layer& layer, std::vector<float>& queries, kvx::Index head, kvx::Index from, kvx::Index to) {
  layer.row(queries, head, from)[to] = 1e4f;
}

}  // namespace kvx_test
