#pragma once

#include <string_view>

namespace kvx::inline v0 {

/// Which values of a metric or summary are better. Tables, files and highlighting use it.
enum class Better { more, less, neither };

/// The word in files.
inline std::string_view written(Better better) {
  return better == Better::more ? "more" : better == Better::less ? "less" : "neither";
}

}  // namespace kvx::inline v0
