#pragma once

#include <kvx/core/error.hpp>
#include <kvx/press/any_policy.hpp>
#include <kvx/press/decoding.hpp>
#include <kvx/press/policy.hpp>

#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace kvx::inline v0 {

/// One press for the context, and a decoding(...) for what follows: prefill_decoding(snapkv, decoding(knorm)).
struct PrefillDecoding {
  static constexpr std::string_view name = "prefill_decoding", paper = "";
  static constexpr bool wraps_outermost = true;
  std::vector<AnyPolicy> parts = {};
  static constexpr auto parameters() { return std::tuple(); }
  void validate() const {
    if (parts.size() != 2 || (parts[0].traits().outermost && !parts[0].needs().repetition) ||
        parts[1].as<Decoding>() == nullptr)
      throw Error(name,
                  "expected a press for the context and a decoding(...), such as prefill_decoding(snapkv, "
                  "decoding(knorm))");
    const AnyPolicy& decodes = parts[1].decoding()->inner;
    if (parts[0].traits().dense_positions && decodes.traits().by_position)
      throw Error(name, "expected a press for the context that leaves positions as they are, since " +
                            decodes.written() + " goes by them, found " + parts[0].written());
  }

  const Decoding* decoding() const { return parts[1].decoding(); }

  Traits traits() const {
    Traits own = parts.empty() ? Traits() : parts[0].traits();
    own.outermost = own.selects = true;
    return own;
  }
  Needs needs() const { return parts[0].needs(); }
  Index rows(const Budget& budget, const PressInput& in) const { return parts[0].rows(budget, in); }
  void score(const PressInput& in, const Budget& budget, Scores out) const { parts[0].score(in, budget, out); }
  Kept select(const PressInput& in, MatrixView<const float> scores, const Budget& budget) const {
    return parts[0].select(in, scores, budget);
  }
  std::vector<Kept> select_layers(std::span<const Matrix<float>> scores, const Budget& budget) const {
    return parts[0].select_layers(scores, budget);
  }
  Index edit_queries() const { return parts[0].edit_queries(); }
  void edit(const PressInput& in, Index head, std::span<const Index> kept, HeadRows rows) const {
    parts[0].edit(in, head, kept, rows);
  }
};
static_assert(ScorePolicy<PrefillDecoding>);

}  // namespace kvx::inline v0
