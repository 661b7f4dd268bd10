#pragma once

#include <string_view>

namespace kvx::inline v0 {

/// Of the library; CMakeLists.txt reads it here.
inline constexpr std::string_view kVersion = "0.2.0";

}  // namespace kvx::inline v0
