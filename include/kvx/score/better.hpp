#pragma once

#include <string_view>

namespace kvx::inline v0 {

/// Which values of a figure are the better ones. Tables, files and flags follow what a figure says of itself.
enum class Better { more, less, neither };

/// The word that files have for it.
inline std::string_view written(Better better) {
  return better == Better::more ? "more" : better == Better::less ? "less" : "neither";
}

}  // namespace kvx::inline v0
