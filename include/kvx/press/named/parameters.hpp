#pragma once

#include <kvx/core/error.hpp>
#include <kvx/core/near_miss.hpp>
#include <kvx/press/hooks.hpp>
#include <kvx/press/named/parameter_values.hpp>
#include <kvx/press/named/written.hpp>
#include <kvx/press/policy.hpp>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// A parameter's name and value as text.
struct ParameterText {
  std::string_view name;
  std::string value;
};

namespace detail {

// Most of this code does not depend on the policy's type, so that it is compiled once and not for every policy.

/// A parameter of one policy.
struct Field {
  std::string_view name, kvpress_name;
  void* value;
  const ValueType* type;
};

template <class P>
std::vector<Field> fields_of(P& policy) {
  std::vector<Field> all;
  std::apply(
      [&](const auto&... parameter) {
        (all.push_back({parameter.name, parameter.kvpress_name, &(policy.*parameter.member),
                        &value_type<std::remove_reference_t<decltype(policy.*parameter.member)>>}),
         ...);
      },
      P::parameters());
  return all;
}

inline std::vector<ParameterText> texts_of(const std::vector<Field>& fields) {
  std::vector<ParameterText> all;
  for (const Field& field : fields) all.push_back({field.name, field.type->format(field.value)});
  return all;
}

inline std::string written_from(std::string prefix, std::string_view name, std::string inside,
                                const std::vector<ParameterText>& values, const std::vector<ParameterText>& defaults) {
  for (std::size_t i = 0; i < values.size(); ++i)
    if (values[i].value != defaults[i].value)
      inside.append(inside.empty() ? "" : ", ").append(values[i].name).append("=").append(values[i].value);
  prefix.append(name);
  return inside.empty() ? prefix : prefix.append("(").append(inside).append(")");
}

inline std::string where(const WrittenPress& written) { return "press '" + std::string(written.text) + "'"; }

/// Throws Error unless the form wraps `least` to `most` presses.
inline void check_inner(const WrittenPress& written, std::size_t least, std::size_t most, const std::string& expected) {
  const std::size_t found = written.inner.size();
  if (found < least || found > most)
    throw Error(where(written), "expected " + expected + ", found " + std::to_string(found));
}

/// Sets the fields to the values of a written form. Throws Error for an unknown parameter, a parameter that is given
/// twice, or a text that is not a value of the parameter's type.
inline void assign(const WrittenPress& written, const std::vector<Field>& fields) {
  std::vector<std::string_view> names, given;
  for (const Field& field : fields) {
    names.push_back(field.name);
    for (const auto& [name, text] : written.defaults)
      if (name == field.name) (void)field.type->parse(text, field.value);
  }
  for (const auto& [name, text] : written.arguments) {
    const auto field = std::find_if(fields.begin(), fields.end(), [&, wanted = name](const Field& each) {
      return wanted == each.name || (!wanted.empty() && wanted == each.kvpress_name);
    });
    if (field == fields.end())
      throw Error(where(written), "unknown parameter '" + std::string(name) + "'" + near_miss(name, names));
    if (std::find(given.begin(), given.end(), field->name) != given.end())
      throw Error(where(written), std::string(field->name) + ": expected once, found twice");
    given.push_back(field->name);
    if (!field->type->parse(text, field->value))
      throw Error(where(written),
                  std::string(name) + ": expected " + field->type->name() + ", found '" + std::string(text) + "'");
  }
}

}  // namespace detail

/// The parameters of a policy, in the order of its parameters().
template <class P>
std::vector<ParameterText> parameters_of(P policy) {
  return detail::texts_of(detail::fields_of(policy));
}

/// The written form of a policy: its name, with the policies that it wraps and the parameters that differ from their
/// defaults in parentheses. A policy with the trait `follows` is written after the policy that it wraps and a `+`, or
/// as its name only if that is its default.
template <class P>
std::string written_form(const P& policy) {
  std::string prefix, inside;
  const auto written = [](const auto& inner) {
    if constexpr (requires { inner.written(); })
      return inner ? inner.written() : std::string();
    else
      return written_form(inner);
  };
  if constexpr (requires { policy.inner; }) {
    std::string wrapped = written(policy.inner);
    if (!Hooks(policy).declared().follows)
      inside = std::move(wrapped);
    else if (wrapped != written(P().inner))
      prefix = std::move(wrapped) + "+";
  } else if constexpr (requires { policy.parts; }) {
    for (const auto& part : policy.parts) inside.append(inside.empty() ? "" : ", ").append(written(part));
  }
  return detail::written_from(prefix, P::name, inside, parameters_of(policy), parameters_of(P()));
}

/// Makes the policy that a written form describes; make_inner(text) makes the presses that it wraps. Throws Error for
/// an unknown parameter, a value of another type or out of range, or a wrong number of wrapped presses.
template <class P, class MakeInner>
P make_policy(const WrittenPress& written, MakeInner&& make_inner) {
  P policy;
  if constexpr (requires { policy.inner; }) {
    if (Hooks(policy).declared().follows)
      detail::check_inner(written, 0, 1, "one press in front");
    else
      detail::check_inner(written, 1, 1, "one press in parentheses, such as " + std::string(P::name) + "(snapkv)");
    if (!written.inner.empty()) policy.inner = make_inner(written.inner.front());
  } else if constexpr (requires { policy.parts; }) {
    detail::check_inner(written, 2, std::numeric_limits<std::size_t>::max(), "two presses or more in parentheses");
    for (const auto inner : written.inner) policy.parts.push_back(make_inner(inner));
  } else {
    detail::check_inner(written, 0, 0, "parameter=value and no other press in parentheses");
  }
  detail::assign(written, detail::fields_of(policy));
  Hooks(policy).validate();
  return policy;
}

}  // namespace kvx::inline v0
