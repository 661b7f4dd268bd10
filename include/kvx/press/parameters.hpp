#pragma once

#include <kvx/core/error.hpp>
#include <kvx/core/near_miss.hpp>
#include <kvx/press/policy.hpp>
#include <kvx/press/written.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <tuple>
#include <type_traits>
#include <vector>

namespace kvx::inline v0 {

/// A parameter's name and value as text.
struct ParameterText {
  std::string_view name;
  std::string value;
};

namespace detail {

template <class T>
std::string format_value(const T& value) {
  if constexpr (std::same_as<T, bool>) {
    return value ? "true" : "false";
  } else if constexpr (requires { value.has_value(); }) {
    return value ? format_value(*value) : "none";
  } else {
    char text[32];
    return {text, std::to_chars(text, text + sizeof text, value).ptr};
  }
}

template <class T>
bool parse_value(std::string_view text, T& value) {
  if constexpr (std::same_as<T, bool>) {
    value = text == "true" || text == "True" || text == "1";
    return value || text == "false" || text == "False" || text == "0";
  } else if constexpr (requires { value.has_value(); }) {
    if (text == "none" || text == "None") return value.reset(), true;
    return parse_value(text, value.emplace());
  } else {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if constexpr (std::floating_point<T>)
      if (!std::isfinite(value)) return false;
    return error == std::errc() && end == text.data() + text.size();
  }
}

template <class T>
std::string type_name() {
  if constexpr (std::same_as<T, bool>)
    return "true or false";
  else if constexpr (requires { typename T::value_type; })
    return type_name<typename T::value_type>() + " or none";
  else
    return std::floating_point<T> ? "a number" : "an integer";
}

template <class P, class F>
void each_parameter(F&& f) {
  std::apply([&](const auto&... parameter) { (f(parameter), ...); }, P::parameters());
}

}  // namespace detail

/// The parameters of a policy, in the order in which it declares them.
template <class P>
std::vector<ParameterText> parameters_of(const P& policy) {
  std::vector<ParameterText> all;
  detail::each_parameter<P>([&](const auto& parameter) {
    all.push_back({parameter.name, detail::format_value(policy.*parameter.member)});
  });
  return all;
}

/// The written form: the name, and the parameters that are not at their defaults.
template <class P>
std::string written_form(const P& policy) {
  const auto values = parameters_of(policy), defaults = parameters_of(P());
  std::string text;
  for (std::size_t i = 0; i < values.size(); ++i)
    if (values[i].value != defaults[i].value)
      text.append(text.empty() ? "" : ", ").append(values[i].name).append("=").append(values[i].value);
  return text.empty() ? std::string(P::name) : std::string(P::name).append("(").append(text).append(")");
}

/// A policy with the arguments of a written form. Throws Error for a parameter it does not have or a value it cannot
/// take.
template <class P>
P make_policy(const WrittenPress& written) {
  P policy;
  const std::string where = "press '" + std::string(written.text) + "'";
  std::vector<std::string_view> given;
  for (const auto& argument : written.arguments) {
    const auto name = argument.first, text = argument.second;
    bool known = false;
    std::vector<std::string_view> names;
    detail::each_parameter<P>([&](const auto& parameter) {
      names.push_back(parameter.name);
      if (name != parameter.name && (name.empty() || name != parameter.kvpress_name)) return;
      known = true;
      if (std::find(given.begin(), given.end(), parameter.name) != given.end())
        throw Error(where, std::string(parameter.name) + ": expected once, found twice");
      given.push_back(parameter.name);
      auto& value = policy.*parameter.member;
      if (!detail::parse_value(text, value))
        throw Error(where, std::string(name) + ": expected " +
                               detail::type_name<std::remove_reference_t<decltype(value)>>() + ", found '" +
                               std::string(text) + "'");
    });
    if (!known) throw Error(where, "unknown parameter '" + std::string(name) + "'" + near_miss(name, names));
  }
  if constexpr (requires { policy.validate(); }) policy.validate();
  return policy;
}

}  // namespace kvx::inline v0
