#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

/// The bytes of a safetensors file: the length of the header, the header and the data.
inline std::string safetensors_bytes(std::string_view header, std::string_view data) {
  std::string file;
  for (std::uint64_t length = header.size(), i = 0; i < 8; ++i) file += static_cast<char>(length >> (8 * i) & 0xff);
  return file.append(header).append(data);
}

/// The bytes of plain values.
template <class T>
std::string bytes_of(std::initializer_list<T> values) {
  return {reinterpret_cast<const char*>(values.begin()), values.size() * sizeof(T)};
}

inline std::span<const std::byte> as_bytes(std::string_view text) { return std::as_bytes(std::span(text)); }
