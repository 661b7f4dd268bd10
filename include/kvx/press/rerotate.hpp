#pragma once

#include <kvx/press/parts/expect_scorer.hpp>
#include <kvx/press/parts/renumber.hpp>
#include <kvx/press/policy.hpp>

#include <span>
#include <string_view>
#include <tuple>

namespace kvx::inline v0 {

/// Keeps the rows that the wrapped press keeps, and closes the gaps between them: in each head they are numbered from 0
/// on, and their keys are rotated to these positions. The next token gets the position after the highest one in any
/// layer and head. Xiao et al., "Efficient Streaming Language Models with Attention Sinks", arXiv:2309.17453, also
/// counts positions within the cache.
template <ScorePolicy P>
struct Rerotate {
  static constexpr std::string_view name = "rerotate", kvpress_name = "KeyRerotation", paper = "arXiv:2309.17453";
  P inner = {};  ///< the press that selects the rows
  static constexpr auto parameters() { return std::tuple(); }
  void validate() const { detail::expect_inner(name, inner, !Hooks(inner).traits().edits, "does not rewrite rows"); }

  Traits traits() const { return {.dense_positions = true}; }
  void edit(const PressInput& in, Index, std::span<const Index>, HeadRows rows) const {
    detail::renumber(in.inv_freq, rows);
  }
};

}  // namespace kvx::inline v0
