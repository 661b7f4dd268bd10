#pragma once

#include <kvx/press/parts/expect_scorer.hpp>
#include <kvx/press/parts/renumber.hpp>
#include <kvx/press/policy.hpp>

#include <span>
#include <string_view>
#include <tuple>

namespace kvx::inline v0 {

/// Closes the gaps that eviction leaves: the rows that stay are numbered from 0 on, their keys are rotated to the new
/// positions, and the question begins after the longest head of all layers. As in Xiao et al., "Efficient Streaming
/// Language Models with Attention Sinks", arXiv:2309.17453, which counts positions inside the cache.
template <ScorePolicy P>
struct Rerotate {
  static constexpr std::string_view name = "rerotate", kvpress_name = "KeyRerotation", paper = "arXiv:2309.17453";
  P inner = {};
  static constexpr auto parameters() { return std::tuple(); }
  void validate() const { detail::expect_inner(name, inner, !Hooks(inner).traits().edits, "does not rewrite rows"); }

  Traits traits() const { return {.dense_positions = true}; }
  void edit(const PressInput& in, Index, std::span<const Index>, HeadRows rows) const {
    detail::renumber(in.inv_freq, rows);
  }
};

}  // namespace kvx::inline v0
