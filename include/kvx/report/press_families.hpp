#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace kvx::inline v0 {

namespace detail {

/// `snapkv` of `fair(snapkv)`, with what stands around it; a method without `fair`, as it is.
inline std::string without_fair(const std::string& method) {
  constexpr std::string_view kFair = "fair(";
  const std::size_t at = method.find(kFair);
  if (at == method.npos || (at > 0 && method[at - 1] != '(')) return method;
  std::size_t inner_end = method.npos, end = at + kFair.size();  // parameters of its own may follow what it wraps
  for (int depth = 1; end < method.size() && depth > 0; ++end) {
    depth += (method[end] == '(') - (method[end] == ')');
    if (inner_end == method.npos && ((depth == 1 && method[end] == ',') || depth == 0)) inner_end = end;
  }
  const std::size_t inner = at + kFair.size();
  return method.substr(0, at) + method.substr(inner, inner_end - inner) + method.substr(end);
}

}  // namespace detail

/// Methods that one picture compares: a press and then its fair forms, or one that has no other form.
using PressFamily = std::vector<std::string>;

inline std::vector<PressFamily> press_families(const std::vector<std::string>& methods) {
  std::vector<PressFamily> families;
  std::vector<std::string> roots;
  for (const std::string& method : methods) {
    const std::string root = detail::without_fair(method);
    const auto found = std::ranges::find(roots, root);
    if (found == roots.end()) {
      roots.push_back(root);
      families.push_back({method});
    } else {
      PressFamily& family = families[static_cast<std::size_t>(found - roots.begin())];
      family.insert(method == root ? family.begin() : family.end(), method);
    }
  }
  return families;
}

}  // namespace kvx::inline v0
