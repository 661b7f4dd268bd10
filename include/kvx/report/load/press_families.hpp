#pragma once

#include <kvx/eval/records/cell_name.hpp>
#include <kvx/press/named/written.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace kvx::inline v0 {

namespace detail {

/// The written form without `fair(...)`: `protect(snapkv)` for `protect(fair(snapkv))`. Other presses are unchanged.
/// Throws Error if parse_written() does.
inline std::string without_fair(std::string_view press) {
  const WrittenPress written = parse_written(press);
  if (written.name == "fair" && written.inner.size() == 1) return std::string(written.inner.front());
  std::string text;
  const char* rest = written.text.data();
  for (const std::string_view inner : written.inner) {
    text.append(rest, inner.data()).append(without_fair(inner));
    rest = inner.data() + inner.size();
  }
  return text.append(rest, written.text.data() + written.text.size());
}

}  // namespace detail

/// Methods that are compared in one picture: a press, followed by its fair forms if it has any.
using PressFamily = std::vector<CellName>;

/// The families of `methods`, which are results of CellName::method().
inline std::vector<PressFamily> press_families(const std::vector<CellName>& methods) {
  std::vector<PressFamily> families;
  std::vector<CellName> roots;
  for (const CellName& method : methods) {
    CellName root = method;
    root.press = detail::without_fair(method.press);
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
