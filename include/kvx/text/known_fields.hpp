#pragma once

#include <kvx/io/json/json.hpp>

#include <algorithm>
#include <initializer_list>
#include <string>
#include <string_view>

namespace kvx::inline v0::detail {

/// Throws Error if a part of a tokenizer.json has a field other than `names` that is not null, so that no setting is
/// ignored. The field "type" is always allowed.
inline void check_fields(const JsonValue& part, std::initializer_list<std::string_view> names) {
  part.each_member([&](std::string_view name, const JsonValue& value) {
    if (name == "type" || value.is_null() || std::ranges::find(names, name) != names.end()) return;
    std::string known;
    for (const std::string_view one : names) known.append(known.empty() ? "" : ", ").append(one);
    value.fail("no field but " + (known.empty() ? "type" : known));
  });
}

}  // namespace kvx::inline v0::detail
