#pragma once

#include <kvx/core/error.hpp>
#include <kvx/core/near_miss.hpp>
#include <kvx/press/any_policy.hpp>
#include <kvx/press/parameters.hpp>
#include <kvx/press/policies.hpp>
#include <kvx/press/written.hpp>

#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <vector>

namespace kvx::inline v0 {

/// Policies by the text that names them, for programs that choose at run time.
class Registry {
 public:
  struct Entry {
    std::string_view name, paper;
    std::vector<ParameterText> defaults;
    AnyPolicy (*make)(const WrittenPress&);
  };

  /// The registry of kvx's own policies.
  Registry() {
    [this]<class... P>(std::type_identity<std::tuple<P...>>) { (add<P>(), ...); }(std::type_identity<Policies>());
  }

  /// Adds a policy of somebody else. Throws Error when its name is taken.
  template <RegistrablePolicy P>
  void add() {
    if (find(P::name) != nullptr) throw Error("press " + std::string(P::name), "there is one of this name");
    entries_.push_back({P::name, P::paper, parameters_of(P()),
                        [](const WrittenPress& written) { return AnyPolicy(make_policy<P>(written)); }});
  }

  const std::vector<Entry>& entries() const { return entries_; }

  /// The policy that a text like `snapkv` or `snapkv(window=32)` stands for. Throws Error with the nearest name for a
  /// name or a parameter that does not exist.
  AnyPolicy parse(std::string_view text) const {
    const WrittenPress written = parse_written(text);
    if (const Entry* entry = find(written.name)) return entry->make(written);
    std::vector<std::string_view> names;
    for (const auto& entry : entries_) names.push_back(entry.name);
    throw Error("press '" + std::string(text) + "'", "unknown press '" + std::string(written.name) + "'" +
                                                         near_miss(canonical_press_name(written.name), names));
  }

 private:
  const Entry* find(std::string_view name) const {
    for (const auto& entry : entries_)
      if (canonical_press_name(entry.name) == canonical_press_name(name)) return &entry;
    return nullptr;
  }

  std::vector<Entry> entries_;
};

}  // namespace kvx::inline v0
