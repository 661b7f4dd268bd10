#pragma once

#include <array>
#include <string_view>
#include <utility>

namespace kvx::inline v0::detail {

/// The kind of a file, recognized by its first bytes; empty if unknown. For errors of readers that expect another kind.
inline std::string_view file_kind(std::string_view text) {
  using namespace std::string_view_literals;
  constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kKinds = {{
      {"version https://git-lfs.github.com/spec/"sv, "a Git LFS pointer; `git lfs pull` fetches the file itself"},
      {"PK\x03\x04"sv, "a ZIP archive, such as PyTorch's .bin and .pt files"},
      {"\x80\x02"sv, "a Python pickle, such as PyTorch's .bin and .pt files"},
      {"GGUF"sv, "a GGUF file"},
      {"\x1f\x8b"sv, "a gzip file"},
      {"<!DOCTYPE"sv, "an HTML page"},
      {"<html"sv, "an HTML page"},
  }};
  for (const auto& [begin, kind] : kKinds)
    if (text.starts_with(begin)) return kind;
  return {};
}

}  // namespace kvx::inline v0::detail
