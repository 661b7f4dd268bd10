#pragma once

#include <kvx/core/error.hpp>
#include <kvx/core/near_miss.hpp>
#include <kvx/press/any_policy.hpp>
#include <kvx/press/parameters.hpp>
#include <kvx/press/policies.hpp>
#include <kvx/press/written.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
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
    AnyPolicy (*make)(const WrittenPress&, std::optional<std::uint64_t> seed);
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
                        [](const WrittenPress& written, [[maybe_unused]] std::optional<std::uint64_t> seed) {
                          P policy = make_policy<P>(written);
                          if constexpr (requires { policy.seed = seed; })
                            if (!policy.seed) policy.seed = seed;
                          return AnyPolicy(policy);
                        }});
  }

  const std::vector<Entry>& entries() const { return entries_; }

  /// One line a policy for a reader: name, parameters with their defaults, paper.
  std::string listing() const {
    std::string text;
    for (const Entry& entry : entries_) {
      std::string parameters, name(entry.name);
      for (const auto& [parameter, value] : entry.defaults)
        parameters.append(parameters.empty() ? "" : ", ").append(parameter).append("=").append(value);
      name.resize(std::max<std::size_t>(name.size(), 20), ' ');
      parameters.resize(std::max<std::size_t>(parameters.size(), 64), ' ');
      text.append(name).append(" ").append(parameters).append(" ").append(entry.paper).append("\n");
    }
    return text;
  }

  /// The policy that a text like `snapkv` or `snapkv(window=32)` stands for; `seed` is for one that draws lots and has
  /// no seed of its own. Throws Error with the nearest name for a name or a parameter that does not exist.
  AnyPolicy parse(std::string_view text, std::optional<std::uint64_t> seed = {}) const {
    const WrittenPress written = parse_written(text);
    if (const Entry* entry = find(written.name)) return entry->make(written, seed);
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
