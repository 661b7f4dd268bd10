#pragma once

#include <string_view>

namespace kvx::inline v0 {

namespace detail {

/// Whether `name`, which comes from a file or a user, cannot lead out of the folder that it is appended to: only
/// letters, digits, '.', '_' and '-', no dot in front, and no two dots in a row.
constexpr bool is_plain_name(std::string_view name) {
  return !name.empty() && name.front() != '.' && name.find("..") == std::string_view::npos &&
         name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") ==
             std::string_view::npos;
}

}  // namespace detail

}  // namespace kvx::inline v0
