#pragma once

#include <kvx/core/error.hpp>
#include <kvx/press/any_policy.hpp>
#include <kvx/press/decoding.hpp>
#include <kvx/press/policy.hpp>

#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace kvx::inline v0 {

/// One press for the context, and a decoding(...) for the time after it: prefill_decoding(snapkv, decoding(knorm)).
struct PrefillDecoding {
  static constexpr std::string_view name = "prefill_decoding", paper = "";
  std::vector<AnyPolicy> parts = {};  ///< the press for the context, and the Decoding
  static constexpr auto parameters() { return std::tuple(); }
  void validate() const {
    if (parts.size() != 2 || (parts[0].traits().outermost && !parts[0].needs().repetition) ||
        parts[1].as<Decoding>() == nullptr)
      throw Error(name,
                  "expected a press for the context and a decoding(...), such as prefill_decoding(snapkv, "
                  "decoding(knorm))");
    const AnyPolicy& decoding_press = parts[1].decoding()->inner;
    if (parts[0].traits().dense_positions && decoding_press.traits().by_position)
      throw Error(name, "expected a press for the context that leaves positions as they are, since " +
                            decoding_press.written() + " uses them, found " + parts[0].written());
  }

  /// The press for the context, or an empty policy as long as there are no parts.
  const AnyPolicy& wrapped() const {
    static const AnyPolicy none;
    return parts.empty() ? none : parts[0];
  }
  const Decoding* decoding() const { return parts[1].decoding(); }
  Traits traits() const { return {.outermost = true, .wraps_outermost = true}; }
};
static_assert(ScorePolicy<PrefillDecoding>);

}  // namespace kvx::inline v0
