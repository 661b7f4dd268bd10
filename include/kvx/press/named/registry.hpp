#pragma once

#include <kvx/core/error.hpp>
#include <kvx/core/near_miss.hpp>
#include <kvx/press/any_policy.hpp>
#include <kvx/press/hooks.hpp>
#include <kvx/press/named/written.hpp>
#include <kvx/press/named/parameters.hpp>
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

/// What a press may need that its written form does not say.
struct PressSetup {
  std::optional<std::uint64_t> seed = {};  ///< for one that draws lots and has no seed of its own
  TensorReader read = {};                  ///< of the files that parameters name
};

/// Policies by the text that names them, for programs that choose at run time; kvx_presses() has those of kvx.
class Registry {
 public:
  struct Entry {
    std::string_view name, paper;
    std::vector<ParameterText> defaults;
    std::string_view kvpress_name;
    std::optional<KvpressVariant> variant;
    std::string_view wraps;  ///< what stands in the parentheses of an adapter, "" for a policy of its own
    AnyPolicy (*make)(const Registry&, const WrittenPress&, const PressSetup&);
  };

  /// Throws Error when its name is taken.
  template <RegistrablePolicy P>
  void add() {
    if (find(P::name) != nullptr) throw Error("press " + std::string(P::name), "there is one of this name");
    Entry entry{P::name, P::paper, parameters_of(P()), "", {}, "", &make<P>};
    if constexpr (HasKvpressName<P>) entry.kvpress_name = P::kvpress_name;
    if constexpr (HasKvpressVariant<P>) entry.variant = P::kvpress_variant;
    if constexpr (requires(P p) { p.inner; }) entry.wraps = "press";
    if constexpr (requires(P p) { p.parts; }) entry.wraps = "press, press, ...";
    entries_.push_back(std::move(entry));
  }

  const std::vector<Entry>& entries() const { return entries_; }

  /// One line a policy for a reader: name, what it wraps, parameters with their defaults, paper.
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

  /// The policy that a text like `snapkv`, `snapkv(window=32)` or `ada(snapkv)` stands for. Throws Error with the
  /// nearest name for a name or a parameter that does not exist, and for an adapter that cannot wrap what it is given.
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
    if (!setup.read) throw Error(detail::where(written), "nothing was given to read its file by");
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

/// A registry of kvx's own policies, to which others can be added. Who calls it includes policies.hpp too, or links
/// kvx::compiled. (A template, so that the code of all policies is generated only where it is called.)
template <class Own = Policies>
Registry kvx_presses();

}  // namespace kvx::inline v0
