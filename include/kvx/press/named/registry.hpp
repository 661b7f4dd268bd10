#pragma once

#include <kvx/core/error.hpp>
#include <kvx/core/near_miss.hpp>
#include <kvx/press/any_policy.hpp>
#include <kvx/press/hooks.hpp>
#include <kvx/press/named/parameters.hpp>
#include <kvx/press/named/written.hpp>
#include <kvx/press/tensor_reader.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// Settings of a press that its written form does not have.
struct PressSetup {
  std::optional<std::uint64_t> seed = {};  ///< for a press that draws random numbers and is written without a seed
  TensorReader read = {};                  ///< reads the files that parameters name
};

/// Makes policies from their written forms, for programs that choose presses at run time. kvx_presses() returns a
/// registry of all policies of kvx.
class Registry {
 public:
  struct Entry {
    std::string_view name, paper;
    std::vector<ParameterText> defaults;
    std::string_view kvpress_name;
    std::optional<KvpressVariant> variant;
    std::string_view wraps;  ///< what an adapter wraps: "press" or "press, press, ..."; "" if the policy is no adapter
    AnyPolicy (*make)(const Registry&, const WrittenPress&, const PressSetup&);
  };

  /// Adds a policy. Throws Error if a policy of this name is registered already.
  template <RegistrablePolicy P>
  void add() {
    if (find(P::name) != nullptr)
      throw Error("press " + std::string(P::name), "expected a new name, found one that is registered already");
    Entry entry{P::name, P::paper, parameters_of(P()), "", {}, "", &make<P>};
    if constexpr (HasKvpressName<P>) entry.kvpress_name = P::kvpress_name;
    if constexpr (HasKvpressVariant<P>) entry.variant = P::kvpress_variant;
    if constexpr (requires(P p) { p.inner; }) entry.wraps = "press";
    if constexpr (requires(P p) { p.parts; }) entry.wraps = "press, press, ...";
    entries_.push_back(std::move(entry));
  }

  const std::vector<Entry>& entries() const { return entries_; }

  /// A table for people with one line per policy: name, what it wraps, parameters with their defaults, and paper.
  std::string listing() const {
    std::string text;
    for (const Entry& entry : entries_) {
      std::string parameters(entry.wraps), name(entry.name);
      for (const auto& [parameter, value] : entry.defaults)
        parameters.append(parameters.empty() ? "" : ", ").append(parameter).append("=").append(value);
      name.resize(std::max<std::size_t>(name.size(), 20), ' ');
      parameters.resize(std::max<std::size_t>(parameters.size(), 64), ' ');
      text.append(name).append(" ").append(parameters).append(" ").append(entry.paper).append("\n");
    }
    return text;
  }

  /// Makes the policy of a written form such as `snapkv`, `snapkv(window=32)` or `ada(snapkv)`. Throws Error for a name
  /// or a parameter that does not exist (the message proposes the nearest one), and for an adapter that cannot wrap the
  /// given press.
  AnyPolicy parse(std::string_view text, const PressSetup& setup = {}) const {
    const WrittenPress written = parse_written(text);
    if (const Entry* entry = find(written.name)) return entry->make(*this, written, setup);
    for (const Entry& entry : entries_)
      if (entry.variant && canonical_press_name(entry.variant->name) == canonical_press_name(written.name)) {
        WrittenPress with_default = written;
        with_default.defaults.emplace_back(entry.variant->parameter, entry.variant->value);
        return entry.make(*this, with_default, setup);
      }
    std::vector<std::string_view> names;
    for (const auto& entry : entries_) names.push_back(entry.name);
    throw Error("press '" + std::string(text) + "'", "unknown press '" + std::string(written.name) + "'" +
                                                         near_miss(canonical_press_name(written.name), names));
  }

 private:
  template <class P>
  static AnyPolicy make(const Registry& registry, const WrittenPress& written, const PressSetup& setup) {
    const bool wraps_outermost = Hooks(P()).declared().wraps_outermost;
    P policy = make_policy<P>(written, [&](std::string_view text) {
      return registry.parse_inner(text, written, P::name, wraps_outermost, setup);
    });
    if constexpr (requires { policy.seed = setup.seed; })
      if (!policy.seed && Hooks(policy).draws()) policy.seed = setup.seed;
    if constexpr (HasLoad<P>) {
      check_reader(written, setup);
      policy.load(setup.read);
    }
    return AnyPolicy(std::move(policy));
  }

  AnyPolicy parse_inner(std::string_view text, const WrittenPress& outer, std::string_view name, bool wraps_outermost,
                        const PressSetup& setup) const {
    AnyPolicy inner = parse(text, setup);
    if (inner.traits().outermost && !wraps_outermost)
      throw Error(detail::where(outer), std::string(name) + " cannot wrap " + std::string(inner.policy_name()));
    return inner;
  }
  static void check_reader(const WrittenPress& written, const PressSetup& setup) {
    if (!setup.read)
      throw Error(detail::where(written), "expected a PressSetup with a reader for its file, found none");
  }

  const Entry* find(std::string_view name) const {
    const std::string canonical = canonical_press_name(name);
    for (const auto& entry : entries_)
      for (const auto known : {entry.name, entry.kvpress_name})
        if (!known.empty() && canonical_press_name(known) == canonical) return &entry;
    return nullptr;
  }

  std::vector<Entry> entries_;
};

struct Policies;  // policies.hpp

/// A registry of kvx's own policies, to which others can be added. A program that calls it must also include
/// policies.hpp, or link kvx::compiled. (It is a template so that the code of all policies is generated only where it
/// is called.)
template <class PolicyList = Policies>
Registry kvx_presses();

}  // namespace kvx::inline v0
